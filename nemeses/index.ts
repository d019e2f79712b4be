/** Everything in this room; being exported here is being registered. */
export { cacheExpiry, cachePoison } from './cache-trouble.ts';
export { clockDrift, clockJump, clockSkew, clockStrobe } from './clock.ts';
export { crashAtSync, crashAtWrite } from './crash-at-call.ts';
export { crashPoint } from './crash-point.ts';
export {
  failingDisk,
  flippedBits,
  fullDisk,
  powerCut,
  powerCutAll,
  readOnlyDisk,
  slowDisk,
  truncatedFile,
} from './disk.ts';
export { dnsFailure } from './dns-failure.ts';
export { duplicateDelivery } from './duplicate-delivery.ts';
export { failingSync } from './failing-sync.ts';
export { failover } from './failover.ts';
export { killAfterAck, killInElection } from './kill-at.ts';
export { kill, killAll, killOne } from './kill.ts';
export { lateDuplicate } from './late-duplicate.ts';
export { lostAck } from './lost-ack.ts';
export { grow, replaceMember, shrink } from './membership.ts';
export { packetCorruption, packetDuplication, packetLoss, packetReordering } from './packets.ts';
export { partitionNewConnections } from './partition-new-connections.ts';
export { partitionSwizzle } from './partition-swizzle.ts';
export {
  partition,
  partitionBridge,
  partitionHalves,
  partitionMajority,
  partitionMinority,
  partitionOne,
  partitionOneWay,
  partitionPrimaries,
  partitionRandom,
  partitionRing,
  partitionUntilSnapshot,
} from './partition.ts';
export { pause, pauseOne } from './pause.ts';
export { presets } from './presets.ts';
export { rateLimit } from './rate-limit.ts';
export { reject } from './reject.ts';
export { reorderRequests } from './reorder-requests.ts';
export { replicaLag } from './replica-lag.ts';
export { resetConnections } from './reset-connections.ts';
export { crashLoop, hostRestart, restart, terminate, terminateOne } from './restart.ts';
export { restore } from './restore.ts';
export { retryStorm } from './retry-storm.ts';
export { descriptorShortage, memoryShortage, processorShortage, processShortage } from './shortage.ts';
export { slowClients } from './slow-clients.ts';
export { slowNetwork } from './slow-network.ts';
export { storeOutage } from './store-outage.ts';
export { tornResponse } from './torn-response.ts';
export { upgrade } from './upgrade.ts';
