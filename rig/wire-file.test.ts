import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readWire, WIRE_FILE } from './wire-file.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ordeal-wire-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const entry = { number: 0, node: 'n1', sentNs: 5, key: 'k' };
const written = (text: string) => {
  writeFileSync(join(directory, WIRE_FILE), text);
  return readWire(join(directory, WIRE_FILE));
};

describe('a wire log', () => {
  it('is read back as it was written', async () => {
    expect(await written(`${JSON.stringify(entry)}\n`)).toEqual({ entries: [entry], incomplete: null });
  });

  it('that is not there is null', async () => {
    expect(await readWire(join(directory, WIRE_FILE))).toBeNull();
  });

  it('that was full, or is torn or damaged, is incomplete, and the rest of it counts', async () => {
    const line = `${JSON.stringify(entry)}\n`;
    expect(await written(`${line}{"full":true}\n`)).toEqual({ entries: [entry], incomplete: 'the wire log was full' });
    expect(await written(`${line}{"number":1,"no`)).toMatchObject({ entries: [entry], incomplete: expect.any(String) });
    expect(await written(`null\n${line}7\n`)).toMatchObject({
      entries: [entry],
      incomplete: 'line 1 of the wire log is no entry',
    });
  });
});
