/**
 * Takes deliveries by mail: a server that believes everybody, takes every message once it is whole, and sends nothing on.
 * It looks up no names, and what a message says is only ever read.
 */

import PostalMime from 'postal-mime';
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server';
import { type Delivery, LARGEST_BYTES, MOST_CONNECTIONS, type Receive, type Receiver } from './receiver.ts';

const MOST_RECIPIENTS = 100;
const DEEPEST = 8;
const IDLE_MS = 30_000;

export function mailReceiver(receive: Receive): Receiver {
  const mail = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    hideSTARTTLS: true,
    disableReverseLookup: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    size: LARGEST_BYTES,
    maxClients: MOST_CONNECTIONS,
    socketTimeout: IDLE_MS,
    onAuth: (_auth, _session, done) => done(null, { user: 'anybody' }),
    onRcptTo: (_address, { envelope }, done) =>
      done(envelope.rcptTo.length < MOST_RECIPIENTS ? null : refusal(452, 'too many recipients')),
    onData(stream, { envelope }, done) {
      const recipients = envelope.rcptTo.map(({ address }) => address);
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
      void whole(stream)
        .then(async (raw) => {
          if (raw === null) return done(refusal(552, 'the message is too large'));
          const delivery = await readMessage(raw, from, recipients);
          done(receive(delivery, raw.length) ? null : refusal(452, 'this sink is full'));
        })
        .catch((error: Error) => done(refusal(451, error.message)));
    },
  });
  mail.on('error', () => {}); // Of connections; that it cannot listen is heard on its server.
  return {
    server: mail.server,
    close() {
      mail.server.close();
      for (const connection of mail.connections) connection.close();
    },
  };
}

const refusal = (responseCode: number, says: string): Error => Object.assign(new Error(says), { responseCode });

/** `null`: it was too large, and was read to its end all the same. */
async function whole(stream: SMTPServerDataStream): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) if (!stream.sizeExceeded) chunks.push(chunk);
  return stream.sizeExceeded ? null : Buffer.concat(chunks);
}

/** `to`: who was to get it, which its head need not say. Of a field that is there twice the last. */
async function readMessage(raw: Buffer, from: string, to: readonly string[]): Promise<Delivery> {
  const { headers, subject = '', text = '', html = '' } = await PostalMime.parse(raw, { maxNestingDepth: DEEPEST });
  const fields = Object.fromEntries(headers.map(({ key, value }) => [key.toLowerCase(), value]));
  return { from, to, subject, headers: fields, text: text.trimEnd(), html };
}
