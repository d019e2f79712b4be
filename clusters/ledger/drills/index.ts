/** The drills of the ledger on each host: on `loopback` those of the embedded store, on `docker` those of PostgreSQL. */

import type { HostName } from '../../../rig/contract.ts';
import type { DrillMakers } from '../../hosts/controls/drills.ts';
import { cacheDrill } from './cache-drills.ts';
import { crashDrill } from './crash-drill.ts';
import * as embedded from './embedded-drills.ts';
import * as postgres from './postgres-drills.ts';

const everywhere: DrillMakers = {
  'cache-expiry': cacheDrill('expire'),
  'cache-poison': cacheDrill('poison'),
  'crash-point': crashDrill,
};

export const drillsOn = (host: HostName): DrillMakers =>
  host === 'loopback'
    ? { ...everywhere, 'replica-lag': embedded.lag, 'store-outage': embedded.outage, restore: embedded.restore }
    : {
        ...everywhere,
        failover: postgres.failover,
        'replica-lag': postgres.lag,
        'store-outage': postgres.outage,
        restore: postgres.restore,
      };
