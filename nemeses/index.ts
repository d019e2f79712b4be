/** Everything in this room; being exported here is being registered. */
export { kill } from './kill.ts';
export {
  partition,
  partitionHalves,
  partitionOne,
  partitionOneWay,
  partitionPrimaries,
  partitionRing,
} from './partition.ts';
export { pause } from './pause.ts';
