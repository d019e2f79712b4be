/** Every host that can make labs; being in this list is being registered. */

import { docker } from './docker.ts';
import type { LabDriver } from './host.ts';
import { loopback } from './loopback.ts';
import { netns } from './netns.ts';

export const drivers: readonly LabDriver[] = [docker, loopback, netns];
export { insideUserNamespace } from './user-namespace.ts';
export { benchPartition, type PartitionBench } from './bench.ts';
