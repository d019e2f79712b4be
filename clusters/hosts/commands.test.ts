import { expect, it } from 'vitest';
import { commandsOf } from './commands.ts';

it('tells the rules that a listener gets, and that they are removed', () => {
  expect(commandsOf('netns', 'network.drop', [['n1', 'n3'], ['n2']])).toEqual({
    does: ['n2: iptables -A ordeal-RUN-in -s <n1> -j DROP', 'n2: iptables -A ordeal-RUN-in -s <n3> -j DROP'],
    undoes: ['n2: iptables-restore --noflush, without the chains ordeal-RUN-in and -out; then read back'],
  });
  expect(commandsOf('docker', 'network.lose', [['n1'], ['clients'], 0.25]).does).toEqual([
    'n1: iptables -A ordeal-RUN-out -d <clients> -m statistic --mode random --probability 0.25 -j DROP',
  ]);
});

it.each([
  ['network.dropNew', [['n1'], ['n2']]],
  ['network.reject', [['n1'], ['n2']]],
  ['network.limit', [['n1'], ['n2'], 10_000]],
  ['network.delay', [['n1'], ['n2'], { ms: 20, jitterMs: 5 }]],
  ['network.reorder', [['n1'], ['n2'], 0.5]],
  ['network.corrupt', [['n1'], ['n2'], 0.5]],
  ['network.duplicate', [['n1'], ['n2'], 0.5]],
  ['network.reset', [['n1'], ['n2']]],
  ['network.failNames', [['n1'], 'silence']],
  ['network.swizzle', [['n1'], ['n2'], ['n1'], 10]],
  ['processes.kill', [['n1']]],
  ['processes.pause', [['n1']]],
  ['processes.terminate', [['n1']]],
  ['processes.loop', [['n1'], 100]],
  ['calls.crashAt', [['n1'], 'fsync', 3]],
  ['calls.fail', [['n1'], 'fsync', 'EIO', 2]],
  ['clocks.shift', [['n1'], { byMs: 1_000 }]],
  ['descriptors.limit', [['n1'], 10]],
  ['disks.fill', [['n1']]],
  ['resources.processor', [['n1'], 10]],
] as const)('knows how %s is done and undone', (lever, given) => {
  const { does, undoes } = commandsOf('netns', lever, given);
  expect(does.length).toBeGreaterThan(0);
  expect(undoes.length).toBeGreaterThan(0);
  for (const line of [...does, ...undoes]) {
    expect(line).toMatch(/^n[12]: \S/);
    expect(line).not.toContain('undefined');
  }
});

it('has no command for what is done without one', () => {
  expect(commandsOf('loopback', 'network.drop', [['n1'], ['n2']]).does).toEqual([]);
  expect(commandsOf('memory', 'processes.kill', [['n1']]).does).toEqual([]);
});
