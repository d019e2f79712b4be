import { describe, expect, it } from 'vitest';
import { deadline, VirtualClock, within } from './clock.ts';

describe('VirtualClock', () => {
  it('wakes sleepers in the order of their times, at exactly those times', async () => {
    const clock = new VirtualClock();
    const woken: [string, number][] = [];
    const sleeper = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push([name, clock.nowNs() / 1e6]);
    };
    await Promise.all([sleeper('late', 3_600_000), sleeper('early', 5), sleeper('middle', 40)]);
    expect(woken).toEqual([
      ['early', 5],
      ['middle', 40],
      ['late', 3_600_000],
    ]);
  });

  it('keeps many timers in order', async () => {
    const clock = new VirtualClock();
    const times = Array.from({ length: 500 }, (_, at) => (at * 7919) % 500);
    const woken: number[] = [];
    await Promise.all(times.map((ms) => clock.sleep(ms).then(() => woken.push(clock.nowNs() / 1e6))));
    expect(woken).toEqual([...times].sort((a, b) => a - b));
  });

  it('wakes a sleeper at once when its signal aborts', async () => {
    const clock = new VirtualClock();
    const controller = new AbortController();
    const sleeping = clock.sleep(1_000_000, controller.signal);
    controller.abort();
    await sleeping;
    expect(clock.nowNs()).toBe(0);
  });

  it('never calls back what was disarmed', async () => {
    const clock = new VirtualClock();
    let called = false;
    clock.after(10, () => (called = true))();
    await clock.sleep(20);
    expect(called).toBe(false);
  });
});

describe('deadline', () => {
  it('aborts with a TimeoutError when the time is over', async () => {
    const clock = new VirtualClock();
    const limit = deadline(clock, 50);
    await expect(within(limit.signal, new Promise(() => {}))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(clock.nowNs()).toBe(50e6);
  });

  it('aborts with its parent, and with the parent’s reason', async () => {
    const parent = new AbortController();
    const limit = deadline(new VirtualClock(), 50, parent.signal);
    parent.abort('enough');
    expect(limit.signal.reason).toBe('enough');
  });

  it('lets a promise through that is in time', async () => {
    const limit = deadline(new VirtualClock(), 50);
    await expect(within(limit.signal, Promise.resolve(3))).resolves.toBe(3);
    limit.cancel();
  });
});
