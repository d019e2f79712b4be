/** Sends a request as bytes, spoilt in one way, on a connection of its own, and hears how the service ends it. Bounded. */

import { createConnection } from 'node:net';
import type { Clock } from '../../rig/clock.ts';
import type { ProbeAnswer } from '../../rig/contract.ts';
import { RequestError } from '../../rig/define.ts';
import type { Address } from '../hosts/host.ts';
import type { SpoiltBytes } from './spoil.ts';

/** Of an answer no more is heard: it need only be told what it was. */
const MOST_HEARD_BYTES = 64 * 1024;
const LONGEST_DETAIL = 200;

/** Rejects if nobody listens, and when the signal aborts. */
export function sendProbe(
  address: Address,
  { pieces, gapMs, ends }: SpoiltBytes,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ ...address, allowHalfOpen: true, noDelay: true });
    let isConnected = false;
    let heard = '';
    const finish = (settle: () => void) => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      settle();
    };
    const giveUp = () => finish(() => reject(signal.reason as Error));
    const conclude = () => finish(() => resolve(answerIn(heard)));
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) return giveUp();
    const send = (nth: number) => {
      const piece = pieces[nth];
      if (socket.destroyed) return;
      if (piece === undefined) return void (ends && socket.end());
      socket.write(piece, () => {
        if (gapMs === 0) send(nth + 1);
        else clock.after(gapMs, () => send(nth + 1));
      });
    };
    socket.on('connect', () => {
      isConnected = true;
      send(0);
    });
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.length > MOST_HEARD_BYTES || isComplete(heard)) conclude();
    });
    socket.on('end', conclude);
    socket.on('close', conclude);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (isConnected) return conclude();
      finish(() =>
        reject(
          new RequestError(error.code === 'ECONNREFUSED' ? 'connection-refused' : 'connection-failed', error.message),
        ),
      );
    });
  });
}

/** Interim answers are not what is waited for. */
const FINAL = /(?:^|\r\n\r\n)HTTP\/1\.[01] ([2-5]\d\d)/;

const isComplete = (heard: string): boolean => {
  const found = FINAL.exec(heard);
  return found !== null && heard.indexOf('\r\n\r\n', found.index + found[0].length) >= 0;
};

function answerIn(heard: string): ProbeAnswer {
  if (heard === '') return { status: null, detail: 'the connection was closed without an answer' };
  const [, status] = FINAL.exec(heard) ?? [];
  const body = heard.slice(heard.lastIndexOf('\r\n\r\n') + 4);
  const detail = (status === undefined ? heard : body).replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, LONGEST_DETAIL);
  return { status: status === undefined ? null : Number(status), detail };
}
