/**
 * Where runs are on disk: `<store>/runs/<name>/<time>-<id>/`, each with everything that was recorded and judged,
 * and a `latest` link. A run is found again by its directory, its id, its id's beginning, or the word `latest`.
 */

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { RunHeader, RunVerdict } from './contract.ts';
import { UsageError } from './exit.ts';
import { headerSchema } from './header-schema.ts';
import { verdictSchema } from './verdict-schema.ts';
import { ajv } from './packages.ts';

/** A verdict or header larger than this is not one of ours. */
const LARGEST_JSON_BYTES = 256 << 20;

export class Store {
  /** Absolute. */
  readonly root: string;

  constructor(root = process.env['ORDEAL_STORE'] ?? '.ordeal') {
    this.root = resolve(root);
  }

  /** A short name for a new run, unlike any other: lower-case hexadecimal, 8 characters. */
  newId(): string {
    return randomBytes(4).toString('hex');
  }

  /** Makes the directory of a new run and points `latest` at it. `startedAt` is ISO 8601. */
  create(name: string, id: string, startedAt: string): string {
    const time = startedAt.replace(/[-:]/g, '').replace(/\..*$/, '');
    const directory = join(this.root, 'runs', name, `${time}-${id}`);
    makeFolder(directory);
    const link = join(this.root, 'latest');
    const fresh = `${link}-${id}`;
    symlinkSync(relative(this.root, directory), fresh);
    renameSync(fresh, link);
    return directory;
  }

  /** Every run's directory, the newest first. */
  runs(): readonly string[] {
    const home = join(this.root, 'runs');
    return directoriesIn(home)
      .flatMap(directoriesIn)
      .filter((directory) => existsSync(join(directory, 'spec.json')))
      .sort((a, b) => (basename(a) < basename(b) ? 1 : -1));
  }

  /** The directory that a person means; `otherwise`: what else it could have been. */
  find(wanted: string, otherwise = ''): string {
    if (existsSync(join(wanted, 'spec.json'))) return resolve(wanted);
    const runs = this.runs();
    const matches = runs.filter((directory) => idOf(directory).startsWith(wanted));
    if (wanted === 'latest' && runs[0]) return runs[0];
    if (matches.length === 1) return matches[0] as string;
    const known = runs.slice(0, 5).map(idOf).join(', ');
    throw new UsageError(
      matches.length > 1
        ? `"${wanted}" begins the ids of ${matches.length} runs: ${matches.map(idOf).join(', ')}`
        : `no run${otherwise} is called "${wanted}"; ${known ? `the newest are ${known}, or give a directory` : `there are none in ${this.root}`}`,
    );
  }
}

export const idOf = (directory: string): string => basename(directory).replace(/^.*-/, '');

export function readHeader(directory: string): RunHeader {
  const path = join(directory, 'spec.json');
  return checked<RunHeader>(readJson(path), headerSchema, path);
}

/** `null` if the run was never judged. */
export function readVerdict(directory: string): RunVerdict | null {
  const path = join(directory, 'verdict.json');
  return existsSync(path) ? checked<RunVerdict>(readJson(path), verdictSchema, path) : null;
}

function checked<T>(value: unknown, schema: object, path: string): T {
  const validate = new (ajv().Ajv2020)({ allowUnionTypes: true }).compile<T>(schema);
  if (validate(value)) return value;
  const [first] = validate.errors ?? [];
  throw new UsageError(`${path} is not one of Ordeal's: ${first?.instancePath || 'it'} ${first?.message}`);
}

/** Replaces the file in one step, so that a reader never sees half of it, and a crash leaves the old one. */
export function writeJson(path: string, value: object): void {
  const fresh = `${path}.new`;
  const file = openSync(fresh, 'w');
  try {
    writeSync(file, `${JSON.stringify(value, null, 2)}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(fresh, path);
}

export function readJson(path: string): unknown {
  const size = statSync(path).size;
  if (size > LARGEST_JSON_BYTES) throw new UsageError(`${path} has ${size} bytes: more than any file of Ordeal`);
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${(error as Error).message}`);
  }
}

/** Level by level: Node's own recursion never ends on a file system such as /proc that refuses in its own way. */
function makeFolder(directory: string): void {
  if (existsSync(directory)) return;
  makeFolder(dirname(directory));
  try {
    mkdirSync(directory);
  } catch (error) {
    if (existsSync(directory)) return; // Another run was quicker.
    throw new UsageError(`no folder for runs can be made at ${directory}: ${(error as Error).message}`);
  }
}

function directoriesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(directory, entry.name));
}
