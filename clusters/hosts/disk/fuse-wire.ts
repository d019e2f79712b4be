/**
 * The words of the kernel's FUSE protocol, version 7.31 (`linux/fuse.h`), as far as a disk needs them: requests as they
 * are read from `/dev/fuse`, and answers as they are written to it. Little-endian machines only.
 */

import type { Stats } from 'node:fs';

export const FUSE = {
  LOOKUP: 1,
  FORGET: 2,
  GETATTR: 3,
  SETATTR: 4,
  READLINK: 5,
  SYMLINK: 6,
  MKNOD: 8,
  MKDIR: 9,
  UNLINK: 10,
  RMDIR: 11,
  RENAME: 12,
  LINK: 13,
  OPEN: 14,
  READ: 15,
  WRITE: 16,
  STATFS: 17,
  RELEASE: 18,
  FSYNC: 20,
  FLUSH: 25,
  INIT: 26,
  OPENDIR: 27,
  READDIR: 28,
  RELEASEDIR: 29,
  FSYNCDIR: 30,
  CREATE: 35,
  INTERRUPT: 36,
  DESTROY: 38,
  BATCH_FORGET: 42,
  RENAME2: 45,
} as const;

/** What the kernel itself takes for the top folder. */
export const ROOT = 1;
/** The longest write in one request; the kernel needs room for its header too. */
export const LARGEST_WRITE = 1 << 20;
export const REQUEST_BYTES = LARGEST_WRITE + 4096;

const HEADER_BYTES = 40;
const ANSWER_HEADER_BYTES = 16;
const MINOR = 31;
const ASYNC_READ = 1 << 0;
const BIG_WRITES = 1 << 5;
const MAX_PAGES = 1 << 22;
const BLOCK = 512;

/** One request of the kernel. `body` is only good until the next one is read. */
export interface FuseRequest {
  readonly opcode: number;
  /** As it has to stand in the answer. */
  readonly unique: bigint;
  readonly node: number;
  readonly uid: number;
  readonly gid: number;
  readonly body: Buffer;
}

export function requestIn(bytes: Buffer): FuseRequest {
  return {
    opcode: bytes.readUInt32LE(4),
    unique: bytes.readBigUInt64LE(8),
    node: u64(bytes, 16),
    uid: bytes.readUInt32LE(24),
    gid: bytes.readUInt32LE(28),
    body: bytes.subarray(HEADER_BYTES, bytes.readUInt32LE(0)),
  };
}

/** An answer with a body, or with nothing but an error number. */
export function answerTo(unique: bigint, body: Buffer, errno = 0): Buffer {
  const header = Buffer.alloc(ANSWER_HEADER_BYTES);
  header.writeUInt32LE(ANSWER_HEADER_BYTES + body.length, 0);
  header.writeInt32LE(-errno, 4);
  header.writeBigUInt64LE(unique, 8);
  return Buffer.concat([header, body]);
}

/** Sizes and offsets are below 2^53. */
export const u64 = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;

/** The text from there to its zero byte. */
export const textAt = (bytes: Buffer, at: number): string => bytes.toString('utf8', at, bytes.indexOf(0, at));

export function initAnswer(): Buffer {
  const body = Buffer.alloc(64);
  body.writeUInt32LE(7, 0);
  body.writeUInt32LE(MINOR, 4);
  body.writeUInt32LE(LARGEST_WRITE, 8);
  body.writeUInt32LE(ASYNC_READ | BIG_WRITES | MAX_PAGES, 12);
  body.writeUInt16LE(16, 16);
  body.writeUInt16LE(12, 18);
  body.writeUInt32LE(LARGEST_WRITE, 20);
  body.writeUInt32LE(1, 24);
  body.writeUInt16LE(LARGEST_WRITE / 4096, 28);
  return body;
}

function writeAttributes(body: Buffer, at: number, node: number, found: Stats): void {
  for (const [index, value] of [node, found.size, Math.ceil(found.size / BLOCK)].entries())
    body.writeBigUInt64LE(BigInt(value), at + 8 * index);
  for (const [index, ms] of [found.atimeMs, found.mtimeMs, found.ctimeMs].entries()) {
    const seconds = Math.floor(ms / 1000);
    body.writeBigInt64LE(BigInt(seconds), at + 24 + 8 * index);
    body.writeUInt32LE(Math.floor((ms - seconds * 1000) * 1e6), at + 48 + 4 * index);
  }
  const { mode, nlink, uid, gid, rdev } = found;
  for (const [index, value] of [mode, nlink, uid, gid, rdev, 4096].entries())
    body.writeUInt32LE(value, at + 60 + 4 * index);
}

/** Nothing is remembered by the kernel: what a loss of power changes is seen at once. */
export function attributesAnswer(node: number, found: Stats): Buffer {
  const body = Buffer.alloc(104);
  writeAttributes(body, 16, node, found);
  return body;
}

export function entryAnswer(node: number, found: Stats): Buffer {
  const body = Buffer.alloc(128);
  body.writeBigUInt64LE(BigInt(node), 0);
  writeAttributes(body, 40, node, found);
  return body;
}

export function openAnswer(handle: number): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(handle, 0);
  return body;
}

export function writtenAnswer(bytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(bytes, 0);
  return body;
}

export interface Room {
  readonly blocks: number;
  readonly free: number;
  readonly available: number;
  readonly files: number;
  readonly freeFiles: number;
  readonly blockBytes: number;
}

export function roomAnswer({ blocks, free, available, files, freeFiles, blockBytes }: Room): Buffer {
  const body = Buffer.alloc(80);
  for (const [index, value] of [blocks, free, available, files, freeFiles].entries())
    body.writeBigUInt64LE(BigInt(value), 8 * index);
  for (const [index, value] of [blockBytes, 255, blockBytes].entries()) body.writeUInt32LE(value, 40 + 4 * index);
  return body;
}

/** What a folder holds: name and kind, as the upper bits of a mode tell it. */
export type FolderEntry = { readonly name: string; readonly kind: number };

/** Entries from that number on, as many as there is room for. */
export function entriesAnswer(entries: readonly FolderEntry[], from: number, bytes: number): Buffer {
  const parts: Buffer[] = [];
  let room = bytes;
  for (let index = from; index < entries.length; index++) {
    const { name, kind } = entries[index] as FolderEntry;
    const text = Buffer.from(name, 'utf8');
    const part = Buffer.alloc(Math.ceil((24 + text.length) / 8) * 8);
    if (part.length > room) break;
    part.writeBigUInt64LE(BigInt(index + 2), 0);
    part.writeBigUInt64LE(BigInt(index + 1), 8);
    part.writeUInt32LE(text.length, 16);
    part.writeUInt32LE(kind, 20);
    text.copy(part, 24);
    parts.push(part);
    room -= part.length;
  }
  return Buffer.concat(parts);
}

/** Of `setattr`: which fields are meant. */
const MEANT = { mode: 1, uid: 2, gid: 4, size: 8, atime: 16, mtime: 32, handle: 64, atimeNow: 128, mtimeNow: 256 };

export interface Wishes {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly size?: number;
  readonly handle?: number;
  /** Seconds, or `now`. */
  readonly atime?: number | 'now';
  readonly mtime?: number | 'now';
}

export function wishesIn(body: Buffer): Wishes {
  const valid = body.readUInt32LE(0);
  const time = (set: number, now: number, at: number, nanosecondsAt: number) =>
    valid & now ? 'now' : valid & set ? u64(body, at) + body.readUInt32LE(nanosecondsAt) / 1e9 : undefined;
  const given = (bit: number, value: () => number) => (valid & bit ? value() : undefined);
  const wishes = {
    mode: given(MEANT.mode, () => body.readUInt32LE(68)),
    uid: given(MEANT.uid, () => body.readUInt32LE(76)),
    gid: given(MEANT.gid, () => body.readUInt32LE(80)),
    size: given(MEANT.size, () => u64(body, 16)),
    handle: given(MEANT.handle, () => u64(body, 8)),
    atime: time(MEANT.atime, MEANT.atimeNow, 32, 56),
    mtime: time(MEANT.mtime, MEANT.mtimeNow, 40, 60),
  };
  return Object.fromEntries(Object.entries(wishes).filter(([, value]) => value !== undefined)) as Wishes;
}

export type Forgotten = { readonly node: number; readonly lookups: number };

export const nodesForgotten = (body: Buffer): readonly Forgotten[] =>
  Array.from({ length: body.readUInt32LE(0) }, (_, index) => ({
    node: u64(body, 8 + 16 * index),
    lookups: u64(body, 16 + 16 * index),
  }));
