/**
 * One request over HTTP to a system that may be hostile: whatever it does ends within the signal's time in a bounded
 * answer, or in an error of a class that says whether anything can have happened.
 */

import type { Dispatcher, Pool } from 'undici';
import { RequestError } from '../../rig/define.ts';

/** Classes of errors after which certainly nothing was sent. */
export const NEVER_SENT: readonly string[] = ['connection-refused', 'connect-timeout'];

const CLASS_OF_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection-refused',
  UND_ERR_CONNECT_TIMEOUT: 'connect-timeout',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  UND_ERR_SOCKET: 'connection-reset',
  UND_ERR_HEADERS_OVERFLOW: 'answer-too-large',
  UND_ERR_RES_EXCEEDED_MAX_SIZE: 'answer-too-large',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'truncated-answer',
};

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** `undefined` for what is not JSON. */
  readonly json: unknown;
}

export async function ask(
  pool: Pool,
  options: Dispatcher.RequestOptions,
  largestBytes: number,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  try {
    const { statusCode, headers, body } = await pool.request({ ...options, signal });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > largestBytes) throw new RequestError('answer-too-large', `more than ${largestBytes} bytes`);
      chunks.push(chunk);
    }
    const text = Buffer.concat(chunks).toString();
    return { status: statusCode, headers, text, json: parsed(text) };
  } catch (error) {
    if (signal.aborted || error instanceof RequestError || !(error instanceof Error)) throw error;
    const errorClass = CLASS_OF_CODE[String((error as NodeJS.ErrnoException).code)] ?? 'connection-failed';
    throw new RequestError(errorClass, error.message);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
