/**
 * Whether a program can be told another time than the kernel's: libfaketime stands between a program and the C library,
 * so it does not reach what has no C library, or does not ask it. Read from the ELF file itself.
 */

import { closeSync, openSync, readSync } from 'node:fs';

const MOST_HEADERS = 4096;
const MOST_NAME_BYTES = 1 << 20;
const INTERPRETER = 3;

/** Why its clock cannot be moved, in words that follow the program's name; `null`: it can. */
export function whyTimeless(file: string): string | null {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
  try {
    return judge((at, length) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(descriptor, bytes, 0, length, at));
    });
  } finally {
    closeSync(descriptor);
  }
}

function judge(read: (at: number, length: number) => Buffer): string | null {
  const header = read(0, 64);
  if (header.length < 64 || header.toString('latin1', 0, 4) !== '\x7fELF') return 'is no ELF program';
  if (header[4] !== 2 || header[5] !== 1) return 'is not a 64-bit little-endian program';
  const sections = sectionNames(header, read);
  if (sections.some((name) => name === '.go.buildinfo' || name === '.note.go.buildid'))
    return 'is a Go program, which asks the kernel for the time and not the C library';
  const at = Number(header.readBigUInt64LE(32));
  const count = Math.min(header.readUInt16LE(56), MOST_HEADERS);
  const size = header.readUInt16LE(54);
  const programs = read(at, count * size);
  for (let index = 0; (index + 1) * size <= programs.length; index++)
    if (programs.readUInt32LE(index * size) === INTERPRETER) return null;
  return 'is statically linked, so nothing can be put between it and its C library';
}

function sectionNames(header: Buffer, read: (at: number, length: number) => Buffer): readonly string[] {
  const at = Number(header.readBigUInt64LE(40));
  const size = header.readUInt16LE(58);
  const count = Math.min(header.readUInt16LE(60), MOST_HEADERS);
  const names = header.readUInt16LE(62);
  if (at === 0 || size < 64 || names >= count) return [];
  const table = read(at, count * size);
  if (table.length < count * size) return [];
  const placeOf = (index: number) => Number(table.readBigUInt64LE(index * size + 24));
  const text = read(placeOf(names), Math.min(MOST_NAME_BYTES, Number(table.readBigUInt64LE(names * size + 32))));
  return Array.from({ length: count }, (_, index) => {
    const from = table.readUInt32LE(index * size);
    const end = text.indexOf(0, from);
    return from < text.length && end >= 0 ? text.toString('latin1', from, end) : '';
  });
}
