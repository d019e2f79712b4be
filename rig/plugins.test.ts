/** Members that users write are loaded from TypeScript as it is, and refused with the file, the field and the expectation. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { memory } from '../clusters/memory/memory.ts';
import { kill } from '../nemeses/index.ts';
import { register } from '../workloads/register.ts';
import { Refused } from './define.ts';
import * as ordeal from './index.ts';
import { isPluginPath, loadPlugin, pluginOf } from './plugins.ts';

const directory = mkdtempSync(join(tmpdir(), 'ordeal-plugins-'));
afterAll(() => rmSync(directory, { recursive: true }));

function written(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

const load = (name: string, text: string) => loadPlugin(written(name, text), null, { ordeal });
const refusal = (member: unknown, wanted: Parameters<typeof pluginOf>[2] = null) => {
  try {
    pluginOf(member, 'mine.ts', wanted);
  } catch (error) {
    return (error as Error).message;
  }
  return 'accepted';
};

describe('a file', () => {
  it('of TypeScript is loaded without a build, in a folder that has nothing installed', async () => {
    const { kind, member } = await load(
      'slow.ts',
      `import { defineNemesis, Refused } from 'ordeal';
       export const refusal: Error = new Refused('busy');
       const name = 'slow';
       enum Kind { Slow = 'slow' }
       export default { ...defineNemesis({ name, summary: Kind.Slow, controls: ['processes'],
         choose: ({ rng, nodes }) => ({ node: rng.pick(nodes) as string }),
         inject: async ({ node }, { processes }) => { await processes.pause([node]); throw refusal; },
         describe: ({ node }) => node }) };`,
    );
    expect(kind).toBe('nemesis');
    const none = async () => {};
    const thrown = await (member as unknown as typeof kill)
      .inject(
        { targets: 'one', nodes: [] },
        { processes: { pause: none, kill: none, terminate: none, loop: none } },
        new AbortController().signal,
      )
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Refused);
  });

  it.each([
    ['syntax.ts', 'export default {', /syntax\.ts cannot be loaded: .*Unexpected/s],
    ['throws.ts', "throw new Error('no luck'); export default {}", /throws\.ts cannot be loaded: no luck/],
    ['imports.ts', "import 'no-such-package'; export default {}", /imports\.ts cannot be loaded: .*no-such-package/],
    ['nothing.ts', 'export const nemesis = {};', /its default export is missing; it must be what defineNemesis/],
  ])('%s is refused with what is wrong', async (name, text, message) => {
    await expect(load(name, text)).rejects.toThrow(message);
  });

  it('that is not there is refused by its path', async () => {
    await expect(loadPlugin('/nowhere/mine.ts', 'nemesis', { ordeal })).rejects.toThrow(
      'there is no file /nowhere/mine.ts with a nemesis',
    );
  });
});

describe('a member', () => {
  it.each([kill, register, memory, register.checkers[0]])('of any kind that is right is accepted', (member) => {
    expect(refusal(member)).toBe('accepted');
  });

  it.each([
    [{ ...kill, choose: 'n1' }, `mine.ts: the nemesis's field "choose" must be a function; it is "n1"`],
    [{ ...kill, name: 'Slow Disk' }, /field "name" is "Slow Disk"; it must be words in lower case with hyphens/],
    [{ ...kill, controls: [] }, /field "controls" is \[\]; it must NOT have fewer than 1 items/],
    [{ inject: kill.inject }, /the nemesis's field "name" is missing/],
    [
      { ...register, semantics: { read: 'harmless' } },
      /field "semantics.read" is "harmless"; it may be safe, idempotent, unsafe/,
    ],
    [{ ...register, checkers: [{ name: 'mine' }] }, /field "checkers.0.check" is missing/],
    [{ ...memory, hosts: ['cloud'] }, /field "hosts.0" is "cloud"; it may be docker, netns, loopback, memory/],
    [{ ...memory, up: null }, /the cluster's field "up" must be a function; it is null/],
    [{ name: 'odd' }, /neither a nemesis, a workload, a checker, a cluster nor a service/],
    ['text', /its default export is string/],
  ])('that is wrong is refused with the field and what is expected', (member, message) => {
    expect(refusal(member)).toMatch(message);
  });

  it('of another kind than was asked for is refused', () => {
    expect(refusal(register, 'nemesis')).toBe('mine.ts is a workload, not a nemesis');
  });
});

describe('a path', () => {
  it.each(['./slow.ts', 'slow.ts', 'chaos/slow.js', '/a/b.mjs'])('is what %s is', (text) =>
    expect(isPluginPath(text)).toBe(true),
  );
  it.each(['kill', 'partition-one', 'etcd:stale-reads'])('is not what %s is', (text) =>
    expect(isPluginPath(text)).toBe(false),
  );
});
