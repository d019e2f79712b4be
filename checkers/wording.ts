/** How operations are named in explanations: which, by whom, through which node, and when. */

import { FAIL, type History, INFO, OK } from '../rig/history.ts';

/** `operation 812, process 4 through n2, 12.345 s to 12.350 s`; times are left out where a history has none. */
export function nameOf(history: History, at: number): string {
  const node = history.nodes[history.node[at] as number] as string;
  const where = node === 'unknown' ? '' : ` through ${node}`;
  return `operation ${history.invokeIndex[at]}, process ${history.process[at]}${where}${interval(history, at)}`;
}

function interval(history: History, at: number): string {
  if (!hasTimes(history)) return '';
  const ended = history.endedNs(at);
  const until = Number.isNaN(ended) ? 'never answered' : timeIn(history, ended);
  return `, ${timeIn(history, history.invokedNs[at] as number)} to ${until}`;
}

/** `ok`, or `info (timeout)`. */
export function outcomeOf(history: History, at: number): string {
  const type = history.type[at];
  if (type === OK) return 'ok';
  return `${type === FAIL ? 'fail' : 'info'} (${history.errors[history.error[at] as number]})`;
}

/** ` (ended at 12.345 s)`, or nothing where a history has no times. */
export const endOf = (history: History, at: number): string =>
  hasTimes(history) && history.type[at] !== INFO ? ` at ${timeIn(history, history.completedNs[at] as number)}` : '';

/** Histories from elsewhere may have no times; their events are then a nanosecond apart. */
export const hasTimes = (history: History): boolean => history.lastNs >= history.eventCount;

/** A history that is over in less than a second is told in milliseconds. */
const timeIn = ({ lastNs }: History, timeNs: number): string =>
  lastNs < 1e9 ? `${(timeNs / 1e6).toFixed(3)} ms` : `${(timeNs / 1e9).toFixed(3)} s`;
