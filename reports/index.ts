/** Everything in this room; being exported here is being registered. */

export { html } from './html/report.ts';
export { summarise } from './summary.ts';
