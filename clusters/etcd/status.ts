/** Questions about a node of etcd, each on a connection of its own, so that none waits for another. */

import type { NodeId } from '../../rig/contract.ts';
import { CLIENTS } from '../hosts/host.ts';
import type { Deployment } from '../hosts/hosted.ts';
import { undici } from '../../rig/packages.ts';

export const CLIENT_PORT = 2379;
const ANSWER_BYTES = 256 * 1024;

export function origin(node: NodeId, { lab }: Deployment): string {
  const { host, port } = lab.address(CLIENTS, node, CLIENT_PORT);
  return `http://${host}:${port}`;
}

/** Rejects unless the answer is a JSON object. */
export async function ask(
  node: NodeId,
  deployment: Deployment,
  method: 'GET' | 'POST',
  asked: string,
  signal: AbortSignal,
  question: object = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { statusCode, body } = await undici().request(`${origin(node, deployment)}${asked}`, {
    method,
    signal,
    reset: true,
    ...(method === 'POST' ? { body: JSON.stringify(question) } : {}),
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES) throw new Error(`it answers with more than ${ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  if (statusCode !== 200) throw new Error(`it answers ${statusCode}: ${text.slice(0, 200)}`);
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== 'object' || answer === null) throw new Error('its answer is not an object');
  return answer as Readonly<Record<string, unknown>>;
}
