/** `ordeal init --http`: writes the file by which Ordeal gets to know a service, with all there is to say in comments. */

import { existsSync, writeFileSync } from 'node:fs';
import { UsageError } from './exit.ts';
import { operationsIn } from './openapi.ts';

const print = (line: string) => process.stdout.write(`${line}\n`);

const HEAD = `# service.yaml: how Ordeal asks your HTTP service, and where it sees what became of it.
# As it stands it describes the ledger that comes with Ordeal, so that it can be run at once.
# {{name}} is filled in; the places are checked before anything is started. All there is: ordeal schema service

name: my-service
`;

const START = `
# How a node is started; n1, n2, n3 are. {{host}} and {{port}} are where it is to listen, {{node}} is its name,
# {{data}} a folder of its own, {{shared}} one that all nodes share, {{sink}} the address of the sink (below).
start:
  command: [node, '{{ordeal}}/dist/clusters/ledger/service.js']
  env:
    LEDGER_NODE: '{{node}}'
    LEDGER_LISTEN: '{{host}}:{{port}}'
    LEDGER_STORE: 'sqlite:{{shared}}/ledger.db'
  port: 8080
  nodes: 3
  hosts: [loopback] # or docker, with image: { build: . } or { name: my-image }, or netns

# Or it runs already, here or in staging. Then only its traffic is meddled with: nothing is killed or cut off.
# attach:
#   n1: http://127.0.0.1:8080
#   n2: http://127.0.0.1:8081

# A node serves when this is answered with 200.
ready: { path: /health }
`;

const KEY = `
# Where the key goes: a header, or a field of the body. \`scope\`: values that name a request together with the key, such
# as the tenant. \`retention\`: how long a key is remembered. \`compares\`: a repeat is the same by its meaning, however it is
# written, or by its bytes: then another form of it may be refused, and still must change nothing.
idempotencyKey:
  header: Idempotency-Key
  scope: [from]
  compares: meaning
  # retention: 24h
`;

const OPERATIONS = `
# What can be asked. Values are drawn by the seed: oneOf (and \`not\`: another value), integer, text (lengths), uuid.
operations:
  transfer:
    method: POST
    path: /transfers
    body: { from: '{{from}}', to: '{{to}}', amount: '{{amount}}' }
    values:
      from: { oneOf: [a1, a2, a3, a4] }
      to: { oneOf: [a1, a2, a3, a4], not: from }
      amount: { integer: [1, 100] }
    # The service's name for what it did, and whether a repeat is answered with the same bytes: id or body.
    answer: { id: id, repeated: body }
`;

const REST = `
# What the statuses mean. ok: done. fail: certainly not done. Whatever is not named leaves it open.
# inUse: a request with this key is being worked on. mismatch: the key was used with another payload.
# kept: a refusal that every repeat must get again.
outcomes:
  ok: [201]
  fail: [400, 402, 404, 405, 413, 431, 503]
  inUse: [409]
  mismatch: [422]
  kept: [402]

# Where effects can be counted, each as often as it happened: a list that the service gives,
effects:
  endpoint: { path: '/transfers?after={{after}}&limit=1000', after: { field: sequence, from: '0' } }
  # or rows: sql: { connection: 'postgres://\${DB_USER}@127.0.0.1/app', query: 'SELECT key, id, amount FROM payments' }
  # or deliveries to a stub that Ordeal hosts: sink: { kind: http }, or mail to it: sink: { kind: smtp }
  key: key # where in each of them the key is: a path such as metadata.key
  id: id
  values: { from: from, to: to, amount: amount }

# Other ways to start it, asked for as service.yaml:forgets-keys.
variants:
  forgets-keys:
    summary: Each process knows the keys that it saw itself, until it is restarted.
    env: { LEDGER_VARIANT: key-in-memory }
`;

/** The operations of an OpenAPI document stand in the place of those of the example. */
export function init(wanted: string | undefined, flags: { readonly http?: boolean; readonly openapi?: string }): void {
  if (flags.http !== true) throw new UsageError('say what to begin: --http, a service of your own');
  const { openapi } = flags;
  const file = wanted ?? 'service.yaml';
  if (existsSync(file)) throw new UsageError(`${file} is there already; it is left as it is`);
  const operations = openapi === undefined ? null : operationsIn(openapi);
  // The scope of the example is one of its own values.
  const key = operations ? (operations.key ?? KEY.replace('  scope: [from]\n', '')) : KEY;
  writeFileSync(file, HEAD + START + key + (operations?.text ?? OPERATIONS) + REST);
  print(`${file} is written${operations ? `, with ${operations.count} operations of ${openapi}` : ''}. Next:`);
  print(`  ordeal run --cluster ./${file}`);
  print(`  ordeal run --cluster ./${file}:forgets-keys`);
}
