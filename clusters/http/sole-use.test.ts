import { createHash } from 'node:crypto';
import { existsSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { RealClock } from '../../rig/clock.ts';
import { takeAlone } from './sole-use.ts';

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
