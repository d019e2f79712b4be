import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readEdn } from './edn.ts';
import { readAnyHistory } from './formats.ts';

const read = async (text: string) => {
  const { history, format } = await readAnyHistory(Buffer.from(text));
  return {
    format,
    warnings: history.warnings,
    operations: [...history.operations()].map(({ process, input, completion }) => ({ process, input, completion })),
  };
};

describe('readAnyHistory', () => {
  it('reads our own history, gzipped too', async () => {
    const line = '{"index":0,"timeNs":0,"type":"invoke","process":0,"node":"n1","input":{"f":"read"}}\n';
    expect((await read(line)).format).toBe('Ordeal history');
    expect((await readAnyHistory(gzipSync(line))).format).toBe('Ordeal history');
  });

  it("reads Jepsen's log, where a failed swap without a reason saw another value", async () => {
    const { format, operations } = await read(
      [
        'INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]',
        'INFO  jepsen.util - 0\t:fail\t:cas\t[1 2]',
        'INFO  jepsen.util - 3  :invoke :write  4',
        'INFO  jepsen.util - 3  :info   :write  :timed-out',
        'INFO  jepsen.util - 1\t:invoke\t:read\tnil',
        'INFO  jepsen.util - 1\t:ok\t:read\t4',
      ].join('\n'),
    );
    expect(format).toBe('Jepsen log');
    expect(operations).toEqual([
      { process: 0, input: { f: 'cas', from: 1, to: 2 }, completion: { type: 'fail', error: 'cas-mismatch' } },
      { process: 3, input: { f: 'write', value: 4 }, completion: { type: 'info', error: 'timed-out' } },
      { process: 1, input: { f: 'read' }, completion: { type: 'ok', output: 4 } },
    ]);
  });

  it('reads EDN as one vector, as one map a line, as records, over several lines and with namespaces', async () => {
    const expected = [
      { process: 0, input: { f: 'cas', from: 1, to: 2 }, completion: { type: 'fail', error: 'unspecified' } },
      { process: 1, input: { f: 'read' }, completion: { type: 'ok', output: 3 } },
    ];
    const ops = [
      '{:process 0, :type :invoke, :f :cas, :value [1 2]}',
      '{:process 0, :type :fail, :f :cas, :value [1 2] :error nil}',
      '{:process :nemesis, :type :info, :f :start, :value nil}',
      '{:process 1 :type :invoke :f :read :value nil}',
      '{:process 1 :type :ok :f :read\n :value 3}',
    ];
    for (const text of [
      `[${ops.join('\n ')}]`,
      `; a remark\n(${ops.join(' #_ {:left "out"} ')})`,
      ops.join('\n'),
      ops.map((op) => `#jepsen.history.Op${op}`).join('\n'),
      ops.map((op) => op.replace('{', '#:jepsen{')).join('\n'),
      ops.map((op) => op.replace(':type', ':jepsen.op/type')).join('\n'),
    ]) {
      const { format, operations, warnings } = await read(text);
      expect(format).toBe('EDN');
      expect(operations).toEqual(expected);
      expect(warnings).toEqual(['1 lines that belong to no client were left out']);
    }
  });

  it('reads the pairs of jepsen.independent as keys', async () => {
    const { operations } = await read(
      '{:process 0 :type :invoke :f :read :value [7 nil]}\n{:process 0 :type :ok :f :read :value [7 3]}',
    );
    expect(operations).toEqual([{ process: 0, input: { f: 'read', key: 7 }, completion: { type: 'ok', output: 3 } }]);
  });

  it("reads Porcupine's key-value text", async () => {
    const { operations } = await read(
      [
        '{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 y"}',
        '{:process 0, :type :ok, :f :append, :key "0", :value "x 0 y"}',
        '{:process 0, :type :invoke, :f :get, :key "0", :value nil}',
        '{:process 0, :type :ok, :f :get, :key "0", :value "x 0 y"}',
      ].join('\n'),
    );
    expect(operations).toEqual([
      { process: 0, input: { f: 'append', key: '0', value: 'x 0 y' }, completion: { type: 'ok', output: null } },
      { process: 0, input: { f: 'get', key: '0' }, completion: { type: 'ok', output: 'x 0 y' } },
    ]);
  });

  it("reads Jepsen's events as JSON lines, and transactions", async () => {
    const { format, operations } = await read(
      [
        '{"index":0,"process":1,"type":"invoke","f":"write","key":3,"value":9}',
        '{"index":1,"process":1,"type":"ok","f":"write","key":3,"value":9}',
        '{"index":2,"time":8,"type":"invoke","process":1,"f":"txn","value":[["r",3,null]]}',
        '{"index":3,"time":9,"type":"ok","process":1,"f":"txn","value":[["r",3,[1]]]}',
      ].join('\n'),
    );
    expect(format).toBe('Jepsen JSON lines');
    expect(operations).toEqual([
      { process: 1, input: { f: 'write', key: 3, value: 9 }, completion: { type: 'ok', output: null } },
      { process: 1, input: { f: 'txn', value: [['r', 3, null]] }, completion: { type: 'ok', output: [['r', 3, [1]]] } },
    ]);
  });

  it('reads a list of events, where a failed swap means what the file says', async () => {
    const text = (failedCas: string) =>
      `{"verdict":"valid","failedCas":"${failedCas}","events":[[0,"invoke","cas",[1,2]],[0,"fail","cas",[1,2]]]}`;
    expect((await read(text('asserts'))).operations[0]?.completion).toEqual({ type: 'fail', error: 'cas-mismatch' });
    expect((await read(text('dropped'))).operations[0]?.completion).toEqual({ type: 'fail', error: 'unspecified' });
    await expect(read(`${text('asserts')}\n${text('asserts')}`)).rejects.toThrow('line 2 holds another history');
  });

  it.each([
    ['', 'the text is empty'],
    ['hello', 'in no format known here (JSON list of events, Ordeal history,'],
    ['{:process 0 :type :invoke', 'line 1: the text ends before }'],
    ['[{:process 0, :type :invoke, :f :read}\n)', 'line 2: found ) where ] was to close'],
    ['[1 2]', 'element 0: expected a map, found 1'],
    [
      '{:process 0 :type :started :f :read}',
      'operation 0: expected type, one of invoke, ok, fail, info, found "started"',
    ],
    ['{"type":"invoke"}\nx\n', 'line 1: expected f, a name, found null'],
  ])('refuses %j in a sentence', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

describe('readEdn', () => {
  it('reads every kind of element', () => {
    const text = String.raw`nil true -1.5e3 12N :a/b sym "a\nA\"" \newline \x #{1 2} #inst "2026" #_ gone ^{:m 1} [1, (2)] {:k {"s" 1}} ; end`;
    expect(readEdn(text)).toEqual([
      null,
      true,
      -1500,
      12,
      'a/b',
      'sym',
      'a\nA"',
      '\n',
      'x',
      [1, 2],
      '2026',
      [1, [2]],
      { k: { s: 1 } },
    ]);
  });

  it('refuses what is nested too deeply, and texts without an end', () => {
    expect(() => readEdn('['.repeat(100_000))).toThrow('nested deeper than 200');
    expect(() => readEdn('"abc')).toThrow('line 1: a text has no end');
    expect(() => readEdn('{:a}')).toThrow('a map has a key without a value');
  });
});
