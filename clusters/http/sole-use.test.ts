import { createHash } from 'node:crypto';
import { existsSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import { sweepLocks, takeAlone } from './sole-use.ts';

const clock = new RealClock();

const fileOf = (address: string): string =>
  path.join(tmpdir(), `ordeal-lock-${createHash('sha256').update(address).digest('hex').slice(0, 16)}`);
const address = (port: number): string => `sole-use-${process.pid}.test:${port}`;

it('is given to one run at a time, and to the next when that one has ended', async () => {
  const first = await takeAlone([address(1), address(2)], '0000000a', clock);
  await expect(takeAlone([address(3), address(2)], '0000000b', clock)).rejects.toThrow(/:2 is in use by run 0000000a/);
  expect(existsSync(fileOf(address(3)))).toBe(false);
  await (await takeAlone([address(3)], '0000000b', clock))[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await (await takeAlone([address(2)], '0000000b', clock))[Symbol.asyncDispose]();
  for (const port of [1, 2, 3]) expect(existsSync(fileOf(address(port)))).toBe(false);
});

it('is taken over from a run that has not renewed it, which then does not give it away', async () => {
  const dead = await takeAlone([address(4)], '0000000c', clock);
  utimesSync(fileOf(address(4)), 0, 0);
  const next = await takeAlone([address(4)], '0000000d', clock);
  await dead[Symbol.asyncDispose]();
  expect(existsSync(fileOf(address(4)))).toBe(true);
  await next[Symbol.asyncDispose]();
  expect(existsSync(fileOf(address(4)))).toBe(false);
});

it('is swept once its rig is dead, by the id of the run or with all others', async () => {
  const [one, other] = [
    await takeAlone([address(5)], '0000000e', clock),
    await takeAlone([address(6)], '0000000f', clock),
  ];
  for (const port of [5, 6]) utimesSync(fileOf(address(port)), 0, 0);
  expect(await sweepLocks('0000000e')).toEqual([`lock ${fileOf(address(5))} of run 0000000e`]);
  expect(existsSync(fileOf(address(6)))).toBe(true);
  expect(await sweepLocks(null)).toContain(`lock ${fileOf(address(6))} of run 0000000f`);
  expect(await sweepLocks('0000000f')).toEqual([]);
  for (const use of [one, other]) await use[Symbol.asyncDispose]();
});

it('stays as long as its rig renews it, and goes when its lease is over', { timeout: 30_000 }, async () => {
  const living = await takeAlone([address(7)], '0000001a', clock);
  expect(await sweepLocks('0000001a')).toEqual([]);
  expect(existsSync(fileOf(address(7)))).toBe(true);
  await living[Symbol.asyncDispose]();
  // As a rig leaves it that was killed six seconds ago.
  writeFileSync(fileOf(address(8)), '0000001b');
  const now = statSync(fileOf(address(8))).mtimeMs / 1000;
  utimesSync(fileOf(address(8)), now - 6, now - 6);
  expect(await sweepLocks('0000001b')).toEqual([`lock ${fileOf(address(8))} of run 0000001b`]);
});

it('is left alone where a file only bears such a name', async () => {
  const file = path.join(tmpdir(), `ordeal-lock-${process.pid}-not-ours`);
  writeFileSync(file, 'a sentence, which is no id');
  utimesSync(file, 0, 0);
  await sweepLocks(null);
  expect(existsSync(file)).toBe(true);
  unlinkSync(file);
});
