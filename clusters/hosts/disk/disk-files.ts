/**
 * The files of a disk: everything is passed on to a folder of this machine, and of every write it is kept what it
 * replaced, until it has been made durable. Answers one request of the kernel at a time.
 */

import * as fs from 'node:fs';
import path from 'node:path';
import {
  attributesAnswer,
  entriesAnswer,
  entryAnswer,
  FUSE,
  type FolderEntry,
  type Forgotten,
  type FuseRequest,
  nodesForgotten,
  openAnswer,
  ROOT,
  roomAnswer,
  textAt,
  u64,
  type Wishes,
  wishesIn,
  writtenAnswer,
} from './fuse-wire.ts';
import { Unsynced } from './unsynced.ts';

const { O_RDWR, O_WRONLY, O_APPEND, O_DIRECT, O_CREAT, O_DSYNC, S_IFMT, S_IFREG } = fs.constants;
const KEPT_FLAGS = ~(O_WRONLY | O_RDWR | O_APPEND | O_DIRECT);
const nothing = Buffer.alloc(0);
const kinds = { folder: 4, file: 8, link: 10, other: 0 };

/** A file or folder that the kernel knows by number. */
interface Known {
  readonly inode: number;
  /** Below the backing folder, as last heard of. */
  path: string;
  lookups: number;
  readonly descriptors: Set<number>;
}

/** An error of the kernel's kind, `ENOENT`. */
export class FileError extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export class DiskFiles {
  readonly unsynced = new Unsynced();
  readonly #folder: string;
  readonly #known = new Map<number, Known>();
  /** By inode of the backing folder. */
  readonly #numbers = new Map<number, number>();
  readonly #listings = new Map<number, readonly FolderEntry[]>();
  /** Descriptors whose writes are durable at once, and what each is a descriptor of. */
  readonly #durable = new Set<number>();
  #nextNumber = ROOT + 1;
  #nextListing = 1;

  constructor(folder: string) {
    this.#folder = folder;
    this.#known.set(ROOT, { inode: fs.statSync(folder).ino, path: '', lookups: 1, descriptors: new Set() });
  }

  /** The answer, or `null` where the kernel wants none. Throws an error with a `code`. */
  answer(request: FuseRequest): Buffer | null {
    const { opcode, node, body } = request;
    switch (opcode) {
      case FUSE.LOOKUP:
        return this.#entry(this.#within(node, textAt(body, 0)));
      case FUSE.FORGET:
        return this.#forget([{ node, lookups: u64(body, 0) }]);
      case FUSE.BATCH_FORGET:
        return this.#forget(nodesForgotten(body));
      case FUSE.GETATTR:
        return attributesAnswer(node, this.#stat(node));
      case FUSE.SETATTR:
        return this.#change(node, wishesIn(body));
      case FUSE.READLINK:
        return Buffer.from(fs.readlinkSync(this.#path(node)));
      case FUSE.STATFS:
        return this.#room();
      case FUSE.OPEN:
        return openAnswer(this.#open(node, this.#path(node), body.readUInt32LE(0)));
      case FUSE.READ:
        return this.#read(u64(body, 0), u64(body, 8), body.readUInt32LE(16));
      case FUSE.WRITE:
        return this.#write(node, u64(body, 0), u64(body, 8), body.subarray(40, 40 + body.readUInt32LE(16)));
      case FUSE.RELEASE:
        return this.#close(node, u64(body, 0));
      case FUSE.FLUSH:
      case FUSE.FSYNCDIR:
        return nothing;
      case FUSE.OPENDIR:
        this.#listings.set(this.#nextListing, []);
        return openAnswer(this.#nextListing++);
      case FUSE.READDIR:
        return this.#list(node, u64(body, 0), u64(body, 8), body.readUInt32LE(16));
      case FUSE.RELEASEDIR:
        this.#listings.delete(u64(body, 0));
        return nothing;
      default:
        return this.#make(request);
    }
  }

  /** Everything that was written before this call is durable when it resolves. */
  async sync(node: number, descriptor: number): Promise<Buffer> {
    const count = this.unsynced.count(node);
    // A database that recovers asks it of every file that it has: what was not changed is durable.
    if (count === 0) return nothing;
    await new Promise<void>((resolve, reject) => fs.fsync(descriptor, (error) => (error ? reject(error) : resolve())));
    this.unsynced.synced(node, count);
    return nothing;
  }

  /** As when the power fails; says how many bytes in how many files are gone. */
  lose(): { readonly bytes: number; readonly files: number } {
    let bytes = 0;
    const { files } = this.unsynced;
    for (const node of files) {
      if (!fs.existsSync(this.#path(node))) continue; // What has no name is gone in any case.
      const descriptor = fs.openSync(this.#path(node), O_RDWR);
      bytes += this.unsynced.takeBack(node, descriptor);
      fs.closeSync(descriptor);
    }
    return { bytes, files: files.length };
  }

  // ── Names ──────────────────────────────────────────────────────────────────────────────────────────────

  /** Requests that make a name. */
  #make(request: FuseRequest): Buffer {
    const { opcode, node, body, uid, gid } = request;
    const own = (file: string) => {
      fs.lchownSync(file, uid, gid);
      return this.#entry(file);
    };
    switch (opcode) {
      case FUSE.CREATE: {
        const file = this.#within(node, textAt(body, 16));
        const [flags, mode] = [body.readUInt32LE(0), body.readUInt32LE(4)];
        const descriptor = fs.openSync(file, (flags & KEPT_FLAGS) | O_CREAT | O_RDWR, mode);
        fs.fchownSync(descriptor, uid, gid);
        const entry = this.#entry(file);
        return Buffer.concat([entry, openAnswer(this.#opened(u64(entry, 0), descriptor, flags))]);
      }
      case FUSE.MKNOD: {
        const mode = body.readUInt32LE(0);
        if ((mode & S_IFMT) !== S_IFREG) throw new FileError('EPERM');
        const file = this.#within(node, textAt(body, 16));
        fs.closeSync(fs.openSync(file, 'wx', mode));
        return own(file);
      }
      case FUSE.MKDIR: {
        const folder = this.#within(node, textAt(body, 8));
        fs.mkdirSync(folder, body.readUInt32LE(0));
        return own(folder);
      }
      case FUSE.SYMLINK: {
        const name = textAt(body, 0);
        const link = this.#within(node, name);
        fs.symlinkSync(textAt(body, Buffer.byteLength(name) + 1), link);
        return own(link);
      }
      case FUSE.LINK: {
        const link = this.#within(node, textAt(body, 8));
        fs.linkSync(this.#path(u64(body, 0)), link);
        return this.#entry(link);
      }
      default:
        return this.#remove(request);
    }
  }

  /** Requests that take a name away, or change it. */
  #remove({ opcode, node, body }: FuseRequest): Buffer {
    switch (opcode) {
      case FUSE.UNLINK: {
        const file = this.#within(node, textAt(body, 0));
        this.#vanishing(file);
        fs.unlinkSync(file);
        return nothing;
      }
      case FUSE.RMDIR: {
        const folder = this.#within(node, textAt(body, 0));
        const { ino } = fs.statSync(folder);
        fs.rmdirSync(folder);
        this.#numbers.delete(ino);
        return nothing;
      }
      case FUSE.RENAME:
        return this.#move(node, u64(body, 0), body, 8);
      case FUSE.RENAME2:
        if ((body.readUInt32LE(8) & ~1) !== 0) throw new FileError('EINVAL');
        return this.#move(node, u64(body, 0), body, 16, (body.readUInt32LE(8) & 1) !== 0);
      default:
        throw new FileError('ENOSYS');
    }
  }

  #move(from: number, to: number, body: Buffer, at: number, mustBeNew = false): Buffer {
    const name = textAt(body, at);
    const before = this.#within(from, name);
    const after = this.#within(to, textAt(body, at + Buffer.byteLength(name) + 1));
    if (fs.existsSync(after)) {
      if (mustBeNew) throw new FileError('EEXIST');
      if (fs.lstatSync(after).ino !== fs.lstatSync(before).ino) this.#vanishing(after);
    }
    fs.renameSync(before, after);
    const [old, renamed] = [path.relative(this.#folder, before), path.relative(this.#folder, after)];
    for (const known of this.#known.values())
      if (known.path === old || known.path.startsWith(`${old}/`)) known.path = renamed + known.path.slice(old.length);
    return nothing;
  }

  /** Its last name goes: what it held is of no interest any more, and its inode may be somebody else's next. */
  #vanishing(file: string): void {
    const { ino, nlink } = fs.lstatSync(file);
    const number = this.#numbers.get(ino);
    if (number === undefined || nlink > 1) return;
    this.#numbers.delete(ino);
    if (this.#of(number).descriptors.size === 0) this.unsynced.synced(number);
  }

  #entry(file: string): Buffer {
    const found = fs.lstatSync(file);
    const number = this.#numbers.get(found.ino) ?? this.#nextNumber++;
    const known = this.#known.get(number) ?? { inode: found.ino, path: '', lookups: 0, descriptors: new Set() };
    known.path = path.relative(this.#folder, file);
    known.lookups++;
    this.#numbers.set(found.ino, number);
    this.#known.set(number, known);
    return entryAnswer(number, found);
  }

  #forget(forgotten: readonly Forgotten[]): null {
    for (const { node, lookups } of forgotten) {
      const known = this.#known.get(node);
      if (!known || node === ROOT) continue;
      known.lookups -= lookups;
      if (known.lookups > 0 || known.descriptors.size > 0 || this.unsynced.count(node) > 0) continue;
      this.#known.delete(node);
      if (this.#numbers.get(known.inode) === node) this.#numbers.delete(known.inode);
    }
    return null;
  }

  #list(node: number, listing: number, from: number, bytes: number): Buffer {
    if (from === 0) {
      const found = fs.readdirSync(this.#path(node), { withFileTypes: true });
      const kindOf = (entry: fs.Dirent) =>
        entry.isDirectory() ? kinds.folder : entry.isFile() ? kinds.file : entry.isSymbolicLink() ? kinds.link : 0;
      this.#listings.set(
        listing,
        found.map((entry) => ({ name: entry.name, kind: kindOf(entry) })),
      );
    }
    return entriesAnswer(this.#listings.get(listing) ?? [], from, bytes);
  }

  // ── Contents ───────────────────────────────────────────────────────────────────────────────────────────

  #open(node: number, file: string, flags: number): number {
    const writes = (flags & (O_WRONLY | O_RDWR)) !== 0;
    return this.#opened(node, fs.openSync(file, (flags & KEPT_FLAGS) | (writes ? O_RDWR : 0)), flags);
  }

  #opened(node: number, descriptor: number, flags: number): number {
    this.#of(node).descriptors.add(descriptor);
    if (flags & O_DSYNC) this.#durable.add(descriptor);
    return descriptor;
  }

  #close(node: number, descriptor: number): Buffer {
    const known = this.#of(node);
    known.descriptors.delete(descriptor);
    this.#durable.delete(descriptor);
    const isNameless = known.descriptors.size === 0 && this.#numbers.get(known.inode) !== node;
    if (isNameless) this.unsynced.synced(node);
    fs.closeSync(descriptor);
    return nothing;
  }

  #read(descriptor: number, offset: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, fs.readSync(descriptor, bytes, 0, length, offset));
  }

  #write(node: number, descriptor: number, offset: number, bytes: Buffer): Buffer {
    const isDurable = this.#durable.has(descriptor);
    if (!isDurable) this.unsynced.note(node, descriptor, offset, bytes.length, null);
    const written = fs.writeSync(descriptor, bytes, 0, bytes.length, offset);
    return writtenAnswer(written);
  }

  #change(node: number, wishes: Wishes): Buffer {
    const { mode, uid, gid, size, atime, mtime } = wishes;
    const file = this.#path(node);
    if (size !== undefined) this.#resize(node, file, size, wishes.handle);
    if (mode !== undefined) fs.chmodSync(file, mode & 0o7777);
    if (uid !== undefined || gid !== undefined) {
      const found = fs.lstatSync(file);
      fs.lchownSync(file, uid ?? found.uid, gid ?? found.gid);
    }
    if (atime !== undefined || mtime !== undefined) {
      const found = this.#stat(node);
      const now = Date.now() / 1000;
      const timeOf = (time: number | 'now' | undefined, ms: number) => (time === 'now' ? now : (time ?? ms / 1000));
      if (fs.existsSync(file)) fs.lutimesSync(file, timeOf(atime, found.atimeMs), timeOf(mtime, found.mtimeMs));
    }
    return attributesAnswer(node, this.#stat(node));
  }

  #resize(node: number, file: string, size: number, handle: number | undefined): void {
    const descriptor = handle ?? fs.openSync(file, O_RDWR);
    this.unsynced.note(node, descriptor, 0, 0, size);
    fs.ftruncateSync(descriptor, size);
    if (handle === undefined) fs.closeSync(descriptor);
  }

  #room(): Buffer {
    const { blocks, bfree, bavail, files, ffree, bsize } = fs.statfsSync(this.#folder);
    return roomAnswer({ blocks, free: bfree, available: bavail, files, freeFiles: ffree, blockBytes: bsize });
  }

  #stat(node: number): fs.Stats {
    const { path: name, descriptors, inode } = this.#of(node);
    const found = fs.lstatSync(path.join(this.#folder, name), { throwIfNoEntry: false });
    if (found?.ino === inode) return found;
    const open = [...descriptors][0];
    if (open === undefined) throw new FileError('ENOENT');
    return fs.fstatSync(open);
  }

  #path(node: number): string {
    return path.join(this.#folder, this.#of(node).path);
  }

  #within(folder: number, name: string): string {
    return path.join(this.#path(folder), name);
  }

  #of(node: number): Known {
    const known = this.#known.get(node);
    if (!known) throw new FileError('ESTALE');
    return known;
  }
}
