/** Takes deliveries by HTTP: a webhook, or a call to a payment provider. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ServiceEffects } from '../../rig/service-definition.ts';
import { LARGEST_BYTES, MOST_CONNECTIONS, type Receive, type Receiver } from './receiver.ts';

type Answer = NonNullable<NonNullable<ServiceEffects['sink']>['answer']>;

export function httpReceiver(answer: Answer, receive: Receive): Receiver {
  const server = createServer((request, response) => take(request, response, answer, receive));
  server.maxConnections = MOST_CONNECTIONS;
  return {
    server,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function take(request: IncomingMessage, response: ServerResponse, answer: Answer, receive: Receive): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('error', () => {});
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= LARGEST_BYTES) chunks.push(chunk);
  });
  request.on('end', () => {
    if (bytes > LARGEST_BYTES) return void response.writeHead(413).end();
    const { method = '', url: path = '', headers } = request;
    const body = meant(Buffer.concat(chunks).toString());
    if (!receive({ method, path, headers, body }, bytes)) return void response.writeHead(503).end();
    const { status = 200, body: said = { received: true } } = answer;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(said));
  });
}

/** What its JSON says, or its text. */
function meant(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
