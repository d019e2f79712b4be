import { describe, expect, it } from 'vitest';
import { readAnyHistory } from './formats.ts';

const read = async (text: string) => {
  const { history } = await readAnyHistory(Buffer.from(text));
  return {
    warnings: history.warnings,
    operations: [...history.operations()].map(({ process, input, completion }) => ({ process, input, completion })),
  };
};

describe('events in the form of Jepsen', () => {
  it('takes processes that have names for clients, but for the nemesis, where none has a number', async () => {
    const named = [
      '{"process":"a","type":"invoke","f":"write","value":1}',
      '{"process":"nemesis","type":"info","f":"kill","value":null}',
      '{"process":"b","type":"invoke","f":"read"}',
      '{"process":"b","type":"ok","f":"read","value":1}',
      '{"process":"a","type":"ok","f":"write","value":1}',
    ];
    const { operations, warnings } = await read(`${named.join('\n')}\n`);
    expect(operations.map(({ process, input: { f } }) => [process, f])).toEqual([
      [0, 'write'],
      [1, 'read'],
    ]);
    expect(warnings).toEqual(['1 lines that belong to no client were left out']);
    const numbered = named.map((line) => line.replace('"b"', '7'));
    expect((await read(`${numbered.join('\n')}\n`)).operations).toMatchObject([{ process: 7, input: { f: 'read' } }]);
  });

  it.each([
    ['JSON lines', (events: readonly object[]) => `${events.map((event) => JSON.stringify(event)).join('\n')}\n`],
    ['JSON list', (events: readonly object[]) => JSON.stringify(events)],
  ])('finds keys that only the last request shows, in %s', async (_, write) => {
    const adds = [...Array(2000).keys()].flatMap((value) => [
      { process: 0, type: 'invoke', f: 'add', value: [5, value] },
      { process: 0, type: 'ok', f: 'add', value: [5, value] },
    ]);
    const last = [
      { process: 0, type: 'invoke', f: 'read', value: [5, null] },
      { process: 0, type: 'ok', f: 'read', value: [5, [1, 2]] },
    ];
    const { operations } = await read(write([...adds, ...last]));
    expect(operations[7]?.input).toEqual({ f: 'add', key: 5, value: 7 });
    expect(operations.at(-1)).toMatchObject({ input: { f: 'read', key: 5 }, completion: { output: [1, 2] } });
    const bare = await read(write(adds));
    expect(bare.operations[7]?.input).toEqual({ f: 'add', value: [5, 7] });
  });

  it('reads a swap as a pair, with its key, and as an object, and nothing else', async () => {
    const swap = async (event: object) =>
      (await read(`${JSON.stringify({ process: 0, type: 'invoke', f: 'cas', ...event })}\n`)).operations[0]?.input;
    expect(await swap({ value: [1, 2] })).toEqual({ f: 'cas', from: 1, to: 2 });
    expect(await swap({ value: [9, [1, 2]] })).toEqual({ f: 'cas', key: 9, from: 1, to: 2 });
    expect(await swap({ value: { from: 1, to: 2 } })).toEqual({ f: 'cas', from: 1, to: 2 });
    expect(await swap({ value: { old: 1, new: 2 } })).toEqual({ f: 'cas', from: 1, to: 2 });
    expect(await swap({ key: 9, from: 1, to: 2 })).toEqual({ f: 'cas', key: 9, from: 1, to: 2 });
    await expect(swap({ value: 7 })).rejects.toThrow('line 1: expected the value of a cas, [from, to], found 7');
  });

  it('leaves out an answer to something else than was asked, and says so', async () => {
    const torn = await read('0\t:invoke\t:read\tnil\n0\t:ok\t:rea');
    expect(torn.operations).toMatchObject([{ input: { f: 'read' }, completion: { type: 'info' } }]);
    expect(torn.warnings).toEqual(['line 2: process 0 completed rea, but it is read that it had open: left out']);
    const silent = await read('{"process":0,"type":"invoke","f":"read"}\n{"process":0,"type":"ok","value":3}\n');
    expect(silent).toMatchObject({ warnings: [], operations: [{ completion: { type: 'ok', output: 3 } }] });
  });

  it('reads names with signs in them from logs', async () => {
    const { operations } = await read('0\t:invoke\t:cas!\t[1 2]\n0\t:ok\t:cas!\t[1 2]\n1\t:invoke\t:kv/read?\tnil\n');
    expect(operations.map(({ input }) => input)).toEqual([{ f: 'cas!', value: [1, 2] }, { f: 'kv/read?' }]);
  });

  it('reads JSON objects over several lines, and lines with a comma at their end', async () => {
    const events = [
      { process: 0, type: 'invoke', f: 'write', value: { '}': '{"' } },
      { process: 0, type: 'ok', f: 'write', value: { '}': '{"' } },
    ];
    const expected = [
      { process: 0, input: { f: 'write', value: { '}': '{"' } }, completion: { type: 'ok', output: null } },
    ];
    const pretty = events.map((event) => JSON.stringify(event, null, 2));
    expect((await read(pretty.join('\n'))).operations).toEqual(expected);
    expect((await read(`${events.map((event) => JSON.stringify(event)).join(',\n')},\n`)).operations).toEqual(expected);
    await expect(read(pretty.join('\n').slice(0, -2))).rejects.toThrow('expected one JSON value');
  });

  it('keeps keys as they are, whatever is asked of them', async () => {
    const { operations } = await read(
      ['append', 'read', 'get', 'put', 'delete']
        .map((f) => `{:process 0 :type :invoke :f :${f} :key 7 :value 1}`)
        .join('\n'),
    );
    expect(operations.map(({ input }) => input['key'])).toEqual([7, 7, 7, 7, 7]);
  });

  it('reads numbers that are none, as EDN writes them', async () => {
    const { operations } = await read(
      '{:process 0 :type :invoke :f :write :value ##NaN} {:process 1 :type :invoke :f :write :value ##-Inf}',
    );
    expect(operations.map(({ input }) => input['value'])).toEqual(['##NaN', '##-Inf']);
  });
});
