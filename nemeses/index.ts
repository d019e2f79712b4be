/** Everything in this room; being exported here is being registered. */
export { duplicateDelivery } from './duplicate-delivery.ts';
export { kill } from './kill.ts';
export { lateDuplicate } from './late-duplicate.ts';
export { lostAck } from './lost-ack.ts';
export {
  partition,
  partitionHalves,
  partitionOne,
  partitionOneWay,
  partitionPrimaries,
  partitionRing,
} from './partition.ts';
export { pause } from './pause.ts';
export { reorderRequests } from './reorder-requests.ts';
export { retryStorm } from './retry-storm.ts';
export { tornResponse } from './torn-response.ts';
