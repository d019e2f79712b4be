import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Json } from './contract.ts';
import { readEdn } from './edn.ts';
import { renamedFor } from '../checkers/vocabulary.ts';
import { readAnyHistory } from './formats.ts';

const read = async (text: string, renamed?: ReadonlyMap<string, string>) => {
  const { history, format } = await readAnyHistory(Buffer.from(text), renamed);
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

  it.each([
    '{:type :ok, :value [[:append :x 1] [:r :y nil]]}\n{:type :fail, :value [[:append :x 2]]}\n{:type :ok, :value [[:r :x [1]]]}',
    '{"type":"ok","value":[["append","x",1],["r","y",null]]}\n{"type":"fail","value":[["append","x",2]]}\n{"type":"ok","value":[["r","x",[1]]]}\n',
  ])('takes transactions of which there are answers alone for concurrent: %s', async (text) => {
    const { operations } = await read(text);
    expect(operations).toMatchObject([
      {
        process: 0,
        input: {
          f: 'txn',
          value: [
            ['append', 'x', 1],
            ['r', 'y', null],
          ],
        },
        completion: { type: 'ok' },
      },
      { process: 1, input: { f: 'txn', value: [['append', 'x', 2]] }, completion: { type: 'fail' } },
      { process: 2, input: { f: 'txn', value: [['r', 'x', null]] }, completion: { output: [['r', 'x', [1]]] } },
    ]);
  });

  it('finds the questions of answers that do not say which process asked', async () => {
    const { operations } = await read(
      [
        '{:type :invoke :f :read :value nil}',
        '{:type :invoke :f :write :value 1}',
        '{:type :invoke :f :write :value 2}',
        '{:type :ok :f :write :value 2}',
        '{:type :invoke :f :txn :value [[:append x 1] [:r x nil]]}',
        '{:type :info :f :write :value 1}',
        '{:type :ok :f :txn :value [[:append x 1] [:r x [1]]]}',
        '{:type :ok :f :read :value 2}',
      ].join('\n'),
    );
    expect(operations.map(({ process, input: { f }, completion: { type } }) => [process, f, type])).toEqual([
      [0, 'read', 'ok'],
      [1, 'write', 'info'],
      [2, 'write', 'ok'],
      [3, 'txn', 'ok'],
    ]);
  });

  it('takes a failed swap for one that saw another value only where that is known', async () => {
    const swap = [
      '{"process":0,"type":"invoke","f":"cas","value":[1,2]}',
      '{"process":0,"type":"fail","f":"cas","value":[1,2]}',
    ];
    const errors = await Promise.all(
      [`${swap.join('\n')}\n`, `[${swap.join()}]`, '0 :invoke :cas [1 2]\n0 :fail :cas [1 2]'].map(
        async (text) => (await read(text)).operations[0]?.completion,
      ),
    );
    expect(errors).toEqual(['cas-mismatch', 'unspecified', 'unspecified'].map((error) => ({ type: 'fail', error })));
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
    '{"valid?":true,"history":[{"process":0,"type":"invoke","f":"write","value":1},{"process":0,"type":"ok","f":"write","value":1}]}',
    '{:name "etcd", :history [{:process 0, :type :invoke, :f :write, :value 1} {:process 0, :type :ok, :f :write, :value 1}]}',
  ])('finds the history in the map of a whole test: %s', async (text) => {
    expect((await read(text)).operations).toEqual([
      { process: 0, input: { f: 'write', value: 1 }, completion: { type: 'ok', output: null } },
    ]);
    await expect(read(text.replace('history', 'past'))).rejects.toThrow('expected type, one of invoke');
  });

  it.each([
    ['JSON objects', (text: string) => `{\n "process": 0, "type": "invoke", "f": "write", "value": ${text}\n}`],
    ['EDN', (text: string) => `{:process 0 :type :invoke :f :write :value ${text}}`],
  ])('reads a text of any length in %s', async (name, event) => {
    const long = `1234567890123456789${'a'.repeat(30 << 20)}`;
    const { format, operations } = await read(event(`"${long}"`));
    expect(format).toBe(name);
    expect((operations[0]?.input as { value: string } | undefined)?.value === long).toBe(true);
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

/** What a file says that holds a read of 2 after a write of 1, however it is written. */
describe('the same history in another form', () => {
  const operations = [
    { process: 0, type: 'invoke', f: 'write', value: 1 },
    { process: 0, type: 'ok', f: 'write', value: 1 },
    { process: 1, type: 'invoke', f: 'read', value: null },
    { process: 1, type: 'ok', f: 'read', value: 2 },
  ];
  type One = { readonly [field: string]: Json };
  const lines = (all: readonly One[]) => `${all.map((one) => JSON.stringify(one)).join('\n')}\n`;
  const log = operations.map(
    ({ process, type, f, value }) => `INFO  jepsen.util - ${process}\t:${type}\t:${f}\t${value ?? 'nil'}`,
  );
  const edn = (type: string, more = '') =>
    operations.map(
      (one) =>
        `${type}{:process ${one.process}, :type :${one.type}, :f :${one.f}, :value ${one.value ?? 'nil'}${more}}`,
    );
  const swaps = lines(operations).replace('"f":"write","value":1', '"value":1,"f":"write"');

  it.each([
    ['with a byte order mark', `\ufeff${lines(operations)}`],
    ['with lines that end as on Windows', lines(operations).replaceAll('\n', '\r\n')],
    ['with spaces', lines(operations).replaceAll(':', ' : ').replaceAll(',', ' , ')],
    ['with fields in another order', swaps],
    ['with processes as texts', lines(operations.map((one) => ({ ...one, process: String(one.process) })))],
    ['as one JSON list', JSON.stringify(operations)],
    ['as one JSON list over many lines', JSON.stringify(operations, null, 2)],
    ['as events of an object', JSON.stringify({ events: operations })],
    [
      'as events over many lines',
      JSON.stringify({ events: operations.map(({ process, type, f, value }) => [process, type, f, value]) }, null, 1),
    ],
    ['with nemeses', lines([{ process: 'nemesis', type: 'info', f: 'start', value: ['n1'] }, ...operations])],
    ['with what was never answered', lines([...operations, { process: 7, type: 'invoke', f: 'write', value: 9 }])],
    ['as lists', operations.map((one) => JSON.stringify(Object.values(one))).join('\n')],
    ['as one list of lists', JSON.stringify(operations.map((one) => Object.values(one)))],
    ['as EDN lists', log.map((line) => `[${line.replace(/.*- /, '')}]`).join('\n')],
    ['with keywords as texts', lines(operations.map((one) => ({ ...one, type: `:${one.type}`, f: `:${one.f}` })))],
    ['without processes', lines(operations.map((one) => ({ ...one, process: null })))],
    ['with other names of functions', lines(operations).replaceAll('"write"', '"put"').replaceAll('"read"', '"get"')],
    ['as history.txt', `:nemesis\t:info\t:start\tCut off #{\n${log.join('\n').replaceAll(/.*- /g, '')}`],
    [
      'as pairs of a key and a pair with versions',
      lines(operations.map((one) => ({ ...one, value: ['k', [one.type === 'ok' ? 3 : null, one.value]] }))),
    ],
    ['as pairs of a key and a value', lines(operations.map((one) => ({ ...one, value: ['k', one.value] })))],
    ['as a log', log.join('\n')],
    ['as a log with lines that end as on Windows', log.join('\r\n')],
    ['as a log with spaces', log.join('\n').replaceAll('\t', '   ')],
    [
      'as a log of a later version',
      log
        .join('\n')
        .replaceAll('INFO  jepsen.util -', '2023-05-01 12:00:00,123{GMT}\tINFO\t[jepsen worker 0] jepsen.util:'),
    ],
    ['as a log of pairs', log.map((line) => line.replace(/\t(\S+)$/, '\t[3 $1]')).join('\n')],
    ['as EDN with a byte order mark', `\ufeff[${edn('').join('\n')}]`],
    ['as records of Jepsen', edn('#jepsen.history.Op').join('\n')],
    [
      'as EDN of pairs',
      `[${edn('')
        .join('\n')
        .replaceAll(/:value (\S+)}/g, ':value #jepsen.independent/tuple [3 $1]}')}]`,
    ],
    [
      'as EDN with texts as keys',
      edn('')
        .join('\n')
        .replaceAll(/:(process|type|f|value) /g, '"$1" '),
    ],
    [
      'as EDN with texts as values',
      `(${edn('')
        .join('\n')
        .replaceAll(/(:type|:f) :(\w+)/g, '$1 "$2"')})`,
    ],
  ])('%s', async (form, text) => {
    const { operations } = await read(text, renamedFor('register'));
    expect(operations.filter(({ completion }) => completion.type === 'ok')).toMatchObject([
      { process: 0, input: { f: 'write', value: 1 }, completion: { output: null } },
      { process: 1, input: { f: 'read' }, completion: { output: 2 } },
    ]);
    expect(operations.map(({ input }) => input['key'] !== undefined)).toEqual(
      operations.map(() => form.includes('pairs')),
    );
  });

  it.each([
    ['no line of a log is an operation', 'INFO  jepsen.core - Running test', /none of its 1 lines is an operation/],
    [
      'no operation belongs to a client',
      lines(operations.map((one) => ({ ...one, process: 0.5 }))),
      /none of its 4 operations belongs to a client: of a client, process is a whole number, not 0.5/,
    ],
    ['the only line is torn', '{"type":"invoke","process":0', /line 1: expected JSON/],
    ['the list holds something else', '[{"type":"invoke","f":"read"}, 7]', /element 1: expected an object, found 7/],
    ['the list is torn', '[{"type":"invoke","f":"read"}', /expected one JSON value/],
  ])('is refused in a sentence where %s', async (_, text, says) => {
    await expect(readAnyHistory(Buffer.from(text))).rejects.toThrow(says);
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
