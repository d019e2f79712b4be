/**
 * The disk of one node: a process of its own that mounts a folder as a file system (FUSE, without a library) and does to
 * the calls of the node what its rules say. Everything ends well without its rig: when that is gone, or on SIGUSR2, no
 * rule is in force any more; when it is unmounted, the process ends.
 *
 * Standard input and output, a line of JSON each: an `Order` in, a `DiskState` out.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import os from 'node:os';
import { createInterface } from 'node:readline';
import type { DiskCall } from '../../../rig/contract.ts';
import { DiskFiles, FileError } from './disk-files.ts';
import { DiskRules, FAILING, type RulesByHold } from './disk-rules.ts';
import { answerTo, FUSE, type FuseRequest, initAnswer, REQUEST_BYTES, requestIn, u64 } from './fuse-wire.ts';
import { type Damage, damage } from './damage.ts';

export type Order = { readonly id: number } & (
  | { readonly do: 'look' | 'lose' }
  | { readonly do: 'rule'; readonly rules: RulesByHold }
  /** Nothing waits from now on, whatever the rules say, or not any more. */
  | { readonly do: 'hurry'; readonly hurries: boolean }
  | { readonly do: 'damage'; readonly damage: Damage }
);

export interface DiskState {
  readonly id: number;
  /** What went wrong with the order. */
  readonly error?: string;
  /** The rules in force. */
  readonly rules: RulesByHold;
  /** By hold: how many calls were refused, and how many delayed. */
  readonly struck: Readonly<Record<string, { readonly refused: number; readonly delayed: number }>>;
  /** What the order did: bytes lost in files, or what was changed in which file. */
  readonly done?: string;
}

const CALLS: ReadonlyMap<number, DiskCall> = new Map([
  [FUSE.READ, 'read'],
  [FUSE.WRITE, 'write'],
  [FUSE.FSYNC, 'sync'],
  ...[FUSE.CREATE, FUSE.MKNOD, FUSE.MKDIR, FUSE.SYMLINK, FUSE.LINK, FUSE.RENAME, FUSE.RENAME2].map(
    (opcode) => [opcode, 'name'] as const,
  ),
  [FUSE.UNLINK, 'name'],
  [FUSE.RMDIR, 'name'],
]);
const MAKES_ROOM: readonly number[] = [FUSE.UNLINK, FUSE.RMDIR];
/** `setattr` with a new size is a write. */
const SIZE_MEANT = 8;
const GONE = ['ENODEV', 'EBADF'];

class DiskServer {
  readonly #device: number;
  readonly #folder: string;
  readonly #files: DiskFiles;
  readonly #rules = new DiskRules();
  /** Calls that wait, as what ends their waiting. */
  readonly #late = new Set<() => void>();
  #hurries = false;

  constructor(device: number, folder: string) {
    this.#device = device;
    this.#folder = folder;
    this.#files = new DiskFiles(folder);
  }

  /** Resolves when the disk has been unmounted. */
  async serve(): Promise<void> {
    const bytes = Buffer.alloc(REQUEST_BYTES);
    for (;;) {
      const length = await new Promise<number>((resolve) =>
        fs.read(this.#device, bytes, 0, bytes.length, null, (error, count) => {
          const isOver = error !== null && GONE.includes(error.code ?? '');
          resolve(isOver ? -1 : error ? 0 : count); // Another error: the one who asked has given up.
        }),
      );
      if (length < 0) return;
      if (length > 0) this.#take(requestIn(bytes.subarray(0, length)));
    }
  }

  /** Anything that is not answered at once has to keep what it needs of the request. */
  #take(request: FuseRequest): void {
    if (request.opcode === FUSE.INIT) return this.#reply(request.unique, initAnswer());
    if (request.opcode === FUSE.INTERRUPT || request.opcode === FUSE.DESTROY) return;
    const resizes = request.opcode === FUSE.SETATTR && (request.body.readUInt32LE(0) & SIZE_MEANT) !== 0;
    const call = resizes ? 'write' : CALLS.get(request.opcode);
    const ruling = call === undefined ? null : this.#rules.rule(call, MAKES_ROOM.includes(request.opcode));
    if (!ruling || ruling.delayMs === 0 || this.#hurries) return this.#act(request, ruling?.error ?? null);
    const kept = { ...request, body: Buffer.from(request.body) };
    const act = () => {
      if (this.#late.delete(act)) this.#act(kept, ruling.error);
    };
    this.#late.add(act);
    setTimeout(act, ruling.delayMs);
  }

  #act(request: FuseRequest, error: string | null): void {
    const { unique, opcode, node, body } = request;
    const fail = (reason: unknown) => this.#reply(unique, Buffer.alloc(0), errnoOf(reason));
    try {
      if (error !== null) throw new FileError(error);
      if (opcode === FUSE.FSYNC) {
        this.#files.sync(node, u64(body, 0)).then((answer) => this.#reply(unique, answer), fail);
        return;
      }
      const answer = this.#files.answer(request);
      if (answer) this.#reply(unique, answer);
    } catch (reason) {
      fail(reason);
    }
  }

  #reply(unique: bigint, body: Buffer, errno = 0): void {
    try {
      fs.writeSync(this.#device, answerTo(unique, body, errno));
    } catch {
      // Whoever asked has been killed meanwhile.
    }
  }

  obey(order: Order): DiskState {
    const state = (): DiskState => ({
      id: order.id,
      rules: this.#rules.inForce,
      struck: Object.fromEntries(this.#rules.struck),
    });
    try {
      if (order.do === 'rule') this.#replace(order.rules);
      if (order.do === 'hurry') this.#hurry(order.hurries);
      if (order.do === 'lose') {
        const { bytes, files } = this.#files.lose();
        return { ...state(), done: `${bytes} bytes in ${files} file${files === 1 ? '' : 's'}` };
      }
      if (order.do === 'damage') return { ...state(), done: damage(this.#folder, order.damage) };
      return state();
    } catch (error) {
      return { ...state(), error: error instanceof Error ? error.message : String(error) };
    }
  }

  letGo(): void {
    this.#replace({});
  }

  #hurry(hurries: boolean): void {
    this.#hurries = hurries;
    if (hurries) for (const act of this.#late) act();
  }

  #replace(rules: RulesByHold): void {
    this.#rules.replace(rules);
    process.title = Object.values(rules).some((one) => one.length > 0) ? name + FAILING : name;
  }
}

function errnoOf(reason: unknown): number {
  const { errno, code } = reason as NodeJS.ErrnoException;
  if (typeof errno === 'number') return -errno;
  return os.constants.errno[code as keyof typeof os.constants.errno] ?? os.constants.errno.EIO;
}

/** The mount inherits the open device, which is how the kernel knows whom to ask. */
async function mount(device: number, name: string, at: string): Promise<void> {
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions,max_read=131072';
  const mounting = spawn('mount', ['-i', '-t', 'fuse', '-o', options, name, at], {
    stdio: ['ignore', 'ignore', 'pipe', device],
  });
  let said = '';
  mounting.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(mounting, 'close')) as [number];
  if (code !== 0) throw new Error(`the disk could not be mounted: ${said.trim()}`);
}

const [name = '', folder = '', at = ''] = process.argv.slice(2);
process.title = name;
process.umask(0);
process.stdout.on('error', () => {}); // The rig is gone; its input tells that too.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
try {
  const device = fs.openSync('/dev/fuse', 'r+');
  const server = new DiskServer(device, folder);
  process.on('SIGUSR2', () => server.letGo());
  const serving = server.serve();
  await mount(device, name, at);
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => process.stdout.write(`${JSON.stringify(server.obey(JSON.parse(line) as Order))}\n`));
  lines.on('close', () => server.letGo());
  process.stdout.write('mounted\n');
  await serving;
  process.exit();
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
}
