/** Everything in this room; being exported here is being registered. */

export { findingsPage } from './html/findings.ts';
export { html } from './html/report.ts';
export { findings, summarise } from './summary.ts';
