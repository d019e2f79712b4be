/**
 * `npm run bench`: what one machine can do in one run, as ratios; absolute numbers belong to the machine.
 * `npm run bench -- reading` runs one of them, `npm run bench -- judging` all that judge.
 */

import { benchJudging, benchLogs, benchReading, CASES } from './judging.ts';
import { benchLoad } from './load.ts';
import { benchPartitions } from './partition.ts';
import { benchSmall } from './small.ts';
import { benchTraffic } from './traffic.ts';

const benches: Readonly<Record<string, () => Promise<void>>> = {
  reading: benchReading,
  ...Object.fromEntries(Object.keys(CASES).map((group) => [group, () => benchJudging(group)])),
  logs: benchLogs,
  small: benchSmall,
  load: benchLoad,
  partition: benchPartitions,
  traffic: benchTraffic,
};

const wanted = process.argv.slice(2).flatMap((name) => (name === 'judging' ? Object.keys(CASES) : [name]));
const unknown = wanted.filter((name) => !Object.hasOwn(benches, name));
if (unknown.length > 0) {
  console.log(`no bench is called ${unknown.join(', ')}; there are judging, ${Object.keys(benches).join(', ')}`);
  process.exitCode = 64;
} else
  for (const name of wanted.length > 0 ? wanted : Object.keys(benches)) {
    console.log(`── ${name}`);
    await benches[name]?.();
    console.log('');
  }
