/**
 * Tests of the tests: each mutant breaks one rule of a checker, and at least one of the tests named must then fail; or it
 * makes every fault do nothing, and each test of an effect must. One vitest project for each; who survives is printed.
 * `npm run mutants`
 */

import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { Reporter, TestModule } from 'vitest/node';

interface Mutant {
  readonly file: string;
  /** What is wrong with it. */
  readonly name: string;
  /** A text that is in the file once, and what takes its place. */
  readonly from: string;
  readonly to: string;
  /** Beside the file unless it has a folder. */
  readonly tests: readonly string[];
  /** Not one test must fail but each whose `meta` has this. */
  readonly failsEach?: string;
}

const LIST = ['list-append.test.ts'];
const REGISTER = ['rw-register.test.ts'];
const ROWS = ['sql-rows.test.ts'];

const isolation = (
  file: string,
  tests: readonly string[],
  ...mutants: readonly (readonly [name: string, from: string, to: string])[]
): Mutant[] => mutants.map(([name, from, to]) => ({ file: `checkers/isolation/${file}.ts`, name, from, to, tests }));

const validator = (
  file: string,
  ...mutants: readonly (readonly [name: string, from: string, to: string])[]
): Mutant[] =>
  mutants.map(([name, from, to]) => ({ file: `checkers/${file}.ts`, name, from, to, tests: [`${file}.test.ts`] }));

const exactlyOnce = (
  file: string,
  ...mutants: readonly (readonly [name: string, from: string, to: string])[]
): Mutant[] =>
  mutants.map(([name, from, to]) => {
    const tests = ['exactly-once', 'ledger/idempotency', 'ledger/service-requests'].map(
      (one) => `checkers/${one}.test.ts`,
    );
    return { file: `checkers/${file}.ts`, name, from, to, tests };
  });

const search = (file: string, ...mutants: readonly (readonly [name: string, from: string, to: string])[]): Mutant[] =>
  mutants.map(([name, from, to]) => {
    return { file: `checkers/search/${file}.ts`, name, from, to, tests: ['checkers/differential.test.ts'] };
  });

const monitor = (file: string, ...mutants: readonly (readonly [name: string, from: string, to: string])[]): Mutant[] =>
  mutants.map(([name, from, to]) => ({
    file: `checkers/monitors/${file}.ts`,
    name,
    from,
    to,
    tests: ['monitors.test.ts'],
  }));

const MUTANTS: readonly Mutant[] = [
  {
    file: 'clusters/hosts/tried-levers.ts',
    name: 'no lever of any fault does anything',
    from: 'return Reflect.get(target, lever) as unknown;',
    to: 'return async () => {};',
    tests: ['clusters/hosts/controls/effects.test.ts', 'clusters/hosts/impairments.test.ts'],
    failsEach: 'pullsLevers',
  },
  ...search(
    'search',
    ['nothing is impossible', "if (!this.#advance()) return 'impossible';", "if (!this.#advance()) return 'legal';"],
    [
      'what failed under an allowance failed for good',
      'this.#failed.add(key, spared ? left : UNBOUNDED)',
      'this.#failed.add(key, UNBOUNDED)',
    ],
    [
      'every read is possible',
      'if (isRead[its] === 1 && this.#transitions.step(this.#state, its) !== IMPOSSIBLE) {',
      'if (isRead[its] === 1) {',
    ],
  ),
  ...search('failed', [
    'the memo ignores what is open',
    'if (((key[word] as number) & ~(entries[at + word] as number)) !== 0) return false;',
    '',
  ]),
  ...search(
    'frontier',
    [
      'a write of the present value helps nobody',
      'return this.#transitions.isReplacement[kind] === 1 && this.hidesAnother && this.isObserved(state);',
      'return false;',
    ],
    [
      'of one kind the last to end goes first',
      '(end[operation] as number) < (end[candidates[before] as number] as number)',
      '(end[operation] as number) > (end[candidates[before] as number] as number)',
    ],
  ),
  ...search(
    'search',
    [
      'what limited a failure is forgotten on the way up',
      '(this.#frames[begin + word] as number) | (limits[word] as number)',
      'this.#frames[begin + word] as number',
    ],
    [
      'what limited a failure that is remembered is forgotten',
      'this.#failed.limitsOf(known), ',
      'this.#failed.limitsOf(known).subarray(0, 0), ',
    ],
    ['what a lost state hung on is forgotten', 'this.#blame(lost, frame);', ''],
  ),
  ...search('failed', [
    'what limited a failure does not matter',
    'if ((entries[at + used + unknown] as number) > (key[used + unknown] as number)) return false;',
    '',
  ]),
  ...search('piece', [
    'what was not decided is proven',
    "return outcome === 'impossible';",
    "return outcome !== 'legal';",
  ]),
  ...search('trial', [
    'a beginning fails by what is answered only later',
    'spend, budget, this.#until - 1)',
    'spend, budget)',
  ]),
  ...search('unknowns', [
    'what is unknown may happen before it was asked for',
    'return (this.#call[operation] as number) < rank ? operation : -1;',
    'return operation;',
  ]),
  ...search(
    'candidates',
    ['the boundary is placed only if somebody waits for it', 'operation === boundary || this.#mustGo', 'this.#mustGo'],
    ['a swap waits until it is asked for', 'this.#mustGo(operation) || ', ''],
  ),
  {
    file: 'checkers/monitors/queue.ts',
    name: 'a value that was put in again may be taken any number of times',
    from: 'if (put > taken) continue;',
    to: 'if (put > 0) continue;',
    tests: ['checkers/linearizable.test.ts'],
  },
  {
    file: 'checkers/monitors/operations.ts',
    name: 'what nobody heard of holds the elements of a set together',
    from: 'if (spans[f[at] as number] && type[at] === OK)',
    to: 'if (spans[f[at] as number])',
    tests: ['checkers/linearizable.test.ts'],
  },
  ...monitor(
    'register',
    [
      'within a chain time does not matter',
      'if (before !== NONE && (end[x] as number) < (call[before] as number)) return this.#with(before, x);',
      '',
    ],
    ['chains may take turns', 'if ((end[ended] as number) < until) {', 'if ((end[ended] as number) < -1) {'],
    ['what fits anywhere holds the register', 'if (zone < 0) continue;', ''],
    [
      'swaps may begin with each other',
      'return linked === this.#worked ? null : this.#cycle();',
      'return linked <= this.#worked ? null : this.#cycle();',
    ],
    ['every refusal finds its moment', 'this.#refusals === 0 || this', 'this.#refusals >= 0 || this'],
  ),
  ...monitor(
    'queue',
    [
      'values may overtake each other',
      'this.#goneFrom(last) > (end[take] as number)',
      'this.#goneFrom(last) < (end[take] as number)',
    ],
    ['a queue is empty whenever it is said', 'if (this.#empties.length === 0)', 'if (this.#empties.length >= 0)'],
    [
      'what is missing may have been taken too late',
      'take === undefined || (this.#o.call[take] as number) > deadline',
      'take === undefined',
    ],
    ['a value may be taken twice', 'if (other !== NONE) return this.#evidence([put, other, x]);', ''],
  ),
  ...monitor(
    'toggle',
    ['only the present state can be seen', '(this.#left[state] as number) > begun || ', ''],
    ['what is unknown may happen again and again', 'this.#unknown[state] = (this.#unknown[state] as number) - 1;', ''],
    [
      'it may turn to what it is',
      'if (this.#state === state && !this.#turn((1 - state) as 0 | 1, rank)) return false;',
      '',
    ],
  ),
  ...monitor('deadlines', [
    'what may end last goes first',
    '(this.#end[one] as number) < (this.#end[other] as number)',
    '(this.#end[one] as number) > (this.#end[other] as number)',
  ]),
  ...monitor(
    'counter',
    ['a count may go back', 'return count >= 0 && (this.#left[count] as number) > begun;', 'return count >= 0;'],
    ['an unknown addition counts again and again', 'this.#unknown-- > 0', 'this.#unknown > 0'],
  ),
  ...monitor(
    'max-register',
    ['the highest may fall', 'number < highest ? firstAbove(rises, number) : null', 'null'],
    ['it may hold what nobody wrote', 'writer === undefined ? Infinity', 'writer === undefined ? -1'],
  ),
  ...monitor('monotonic-register', [
    'a smaller number may follow',
    'if (before >= 0 && (end[x] as number) < (call[before] as number))',
    'if (before < -1)',
  ]),
  ...monitor(
    'fenced-lock',
    ['a token may be given twice', 'if (again !== undefined) return [acquisition, again];', ''],
    [
      'tokens need not follow time',
      'if (latest >= 0 && (end[x] as number) < (call[latest] as number)) return [latest, x];',
      '',
    ],
    ['a lock that is held may be given', 'if (release < 0 && next)', 'if (release < -1 && next)'],
  ),
  ...isolation(
    'list-graph',
    LIST,
    ['a reader needs not come before the next append', 'edges.add(readers.all[at] as number, next, RW, version);', ''],
    ['failed appends make versions', 'number < 0 || (writeState[number] as number) & FAILED ? -1', 'number < 0 ? -1'],
  ),
  ...isolation(
    'list-anomalies',
    LIST,
    [
      'an aborted element at the very end is not seen',
      'if (length >= (this.#failed[key] as number))',
      'if (length > (this.#failed[key] as number))',
    ],
    [
      'a transaction may see more than its own appends',
      'seen >= 0 ? length !== seen + own',
      'seen >= 0 ? length < seen + own',
    ],
  ),
  ...isolation('lost-updates', LIST, [
    'no update is lost',
    'of this.#several.values()',
    'of [] as { key: number; transactions: number[] }[]',
  ]),
  ...isolation('doubtful-lists', LIST, [
    'orders never disagree',
    'if (isPrefix(shorter.list, longer.list)) continue;',
    'continue;',
  ]),
  ...isolation('real-time', LIST, [
    'real time is ignored',
    '(earliest[at] as number) < invoked)',
    '(earliest[at] as number) < 0)',
  ]),
  ...isolation('cycle-search', LIST, [
    'the order of a process is ignored',
    "if (needsProcesses) search.level(ordered, 'process');",
    '',
  ]),
  ...isolation('cycle', LIST, [
    'two anti-dependencies anywhere are adjacent',
    'kind & ANTI && (cycle.at(at - 1) as Step).kind & ANTI',
    'kind & ANTI',
  ]),
  ...isolation('component-search', LIST, [
    'nobody misses what two others wrote',
    'loops.length === 0) note(this.#any());',
    'loops.length < 0) note(this.#any());',
  ]),
  ...isolation('judgement', LIST, ['never invalid', 'if (first) {', 'if (first && micros.transactions < 0) {']),
  ...isolation(
    'consistency-models',
    ['consistency-models.test.ts', 'list-append.test.ts'],
    ['write skew breaks read committed', "'G2-item': ['repeatable-read']", "'G2-item': ['read-committed']"],
  ),
  ...isolation(
    'register-graph',
    REGISTER,
    ['what a reader shows of other writes is ignored', '  rules.visible();', ''],
    ['who read the initial state needs not come first', '  rules.initialState();', ''],
  ),
  ...isolation('register-reads', REGISTER, [
    'a read of nothing is of no version',
    'value[micro] === NO_CODE ? INITIAL',
    'value[micro] === NO_CODE ? UNCERTAIN',
  ]),
  ...isolation('frontier', REGISTER, [
    'whoever was done first counts as the latest',
    '(done[write] as number) > this.#lastBegun)',
    '(done[write] as number) <= this.#lastBegun)',
  ]),
  ...isolation(
    'assumed-order',
    ['rw-register.test.ts'],
    ['processes meet versions in any order', 'if (history.type[touch.at] === OK) latest.set(process, touch);', ''],
    ['real time tells nothing of keys', 'frontier.add(number);', ''],
  ),
  ...isolation(
    'row-cursor',
    ROWS,
    ['an unknown update certainly changed a row', 'found === undefined)', 'false)'],
    ['an insert may find a row', 'if (isKnown) part(true, null);', ''],
  ),
  ...isolation(
    'row-reads',
    ROWS,
    ['a deleted row was never there', '=== 1 ? ABSENT : INITIAL', '=== 2 ? ABSENT : INITIAL'],
    ['nobody deletes at the same time', '[...openDeletes, ...latest, ...during]', '[...latest]'],
  ),
  ...isolation('serial-order', ROWS, [
    'it does not matter how many rows changed',
    'changed !== (isChanged ? 1 : 0)',
    'changed === 7',
  ]),
  ...validator(
    'set-full',
    [
      'a refused add is taken for a wrong clock',
      "this.#tell(refused ? 'aborted-read' : 'phantom'",
      "this.#tell('phantom'",
    ],
    [
      'an element that comes back was lost',
      'const isLost = lastSeen < (invokeIndex[absentAt] as number);',
      'const isLost = true;',
    ],
    ['an element may be there twice', 'if (elements.stamp[element] === at) {', 'if (elements.stamp[element] === -7) {'],
  ),
  ...validator(
    'queue',
    [
      'values may be taken twice',
      '} else if (takes.length > puts.length) {',
      '} else if (takes.length > puts.length + 99) {',
    ],
    ['values may be taken before they are put in', 'until < began)', 'until < -1)'],
    [
      'overlapping puts have an order',
      'other && other.put.until < one.put.from',
      'other && other.put.from < one.put.from',
    ],
    ['an unknown dequeue takes nothing', 'if (explained < takers) {', 'if (takers < 0) {'],
  ),
  ...validator('unique-ids', [
    'an id may come again',
    'if (number === firstAt.length) firstAt.push(at);',
    'if (number >= 0) firstAt.push(at);',
  ]),
  ...validator(
    'counter',
    ['unknown adds must have happened', 'else if (type[at] !== FAIL) {', 'else if (type[at] === OK) {'],
    ['reads may go back', 'if (!highest || value >= highest.value) return;', 'return;'],
  ),
  ...validator(
    'bank',
    ['any total will do', 'if (total !== agreed.total)', 'if (total < 0 && total !== agreed.total)'],
    ['every bank lends', '!mayOverdraw && ', 'mayOverdraw && '],
  ),
  ...validator('long-fork', ['the later of two reads is right', 'if (only < 0) continue;', 'continue;']),
  ...validator('causal', [
    'what was causally overwritten may be read',
    '(latest.clock[write.session] as number) < write.place',
    '(latest.clock[write.session] as number) >= 0',
  ]),
  ...validator('lost-writes', [
    'an older value at the end is no loss',
    "if (!isOlder) return 'judged';",
    "return 'judged';",
  ]),
  ...validator(
    'log',
    ['an offset may hold two values', 'else if (values.of(other.value) !== values.of(value))', 'else if (at < 0)'],
    ['a reader may skip', 'else if (skipped < offset)', 'else if (skipped < 0)'],
    ['a reader may go back', 'if (offset <= before.offset)', 'if (offset < -1)'],
    [
      'an acknowledged value needs not be read',
      'if (offset === null || offset >= furthest) this.totals.unseen++;',
      'if (offset === null || offset >= 0) this.totals.unseen++;',
    ],
  ),
  ...validator(
    'watch',
    [
      'changes may come in any order',
      'else if (last && change.revision < last.change.revision)',
      'else if (last && change.revision < 0)',
    ],
    ['a change may be torn into two messages', 'message !== last.message)', 'message < 0)'],
    ['a change may come twice', "if (told.has(name)) say('unique', 'was delivered before');", ''],
    ['a change may be left out', 'if (last) this.#judgeReliable(', 'if (!last) this.#judgeReliable('],
  ),
  ...validator(
    'lock',
    ['who released still holds', 'Math.min(released, expired)', 'expired'],
    ['leases never end', 'Math.min(released, expired)', 'released'],
    ['two may hold at once', 'if (last && last.until > hold.from) {', 'if (last && last.until < 0) {'],
  ),
  ...validator('sessions', ['a session may read what is older than what it read', ': MONOTONIC_READS;', ': INITIAL;']),
  ...validator(
    'sequential',
    ['a process may see the versions of a key in any order', "['wfr-keys', 'sequential-keys']", '[]'],
    ['a refused swap took effect', 'history.output(at) === false', 'history.output(at) === 7'],
    ['parts may be missing', 'if (gap < 0) return;', 'if (gap < 9) return;'],
  ),
  ...validator('staleness', ['no bound is kept', 'if (staleMs < boundMs) continue;', 'if (staleMs < 0) continue;']),
  ...validator('convergence', [
    'nodes may differ for ever',
    'if (values.size === 1) return',
    'if (values.size > 0) return',
  ]),
  ...validator('versions', [
    'a version may go back',
    '!last || version > last.number || (version',
    '!last || version >= 0 || (version',
  ]),
  ...exactlyOnce(
    'exactly-once',
    ['what was applied twice was applied once', 'if (entries.length > 1)', 'if (entries.length > 2)'],
    [
      'what was acknowledged after the list was made must be in it',
      'transfer.ackedAt < invoked && !applied.has',
      '!applied.has',
    ],
    ['what every attempt was refused may be applied', 'wasRefused(history, one, completed) &&', 'false &&'],
    ['what was refused for good may be applied', 'wasRefusedForGood(findings, one) ||', 'false ||'],
    ['what a copy was accepted for was refused', ' && !findings.hadCopyThatCounts(transfer)', ''],
    ['lists that overlap must agree', 'earlier.completed >= listing.invoked', 'false'],
    ['one key may get two names', 'first && (id !== first.id || ', 'first && ('],
    ['the answer may be that to another account', ' || owner.from !== transfer.from', ''],
    ['money may vanish', 'if (opening !== balance)', 'if (opening < balance)'],
  ),
  ...exactlyOnce(
    'ledger/evidence',
    ['an unknown outcome is a refusal', 'history.type[at] === FAIL || (', 'history.type[at] !== OK || ('],
    ['a key is one for all accounts', '`${from.length} ${from} ${key}`', '`${key}`'],
    ['effects are a set', 'if (group) group.push(entry);', 'if (group) continue;'],
  ),
  ...exactlyOnce(
    'ledger/balances',
    ['the second of two effects surely came with the first', 'nth === 0 ? sureOf(name) : NEVER', 'sureOf(name)'],
    [
      'what a list lacks may have been applied before it',
      'Math.max(history.invokeIndex[first] as number, truth?.invoked ?? -1)',
      'history.invokeIndex[first] as number',
    ],
  ),
  ...exactlyOnce(
    'ledger/stuck-keys',
    ['a key in use is stuck at once', ' || untilNs - firstNs < CALM_NS', ''],
    ['one answer that is missing leaves a doubt', '!asked.every(isOpen)', '!asked.some(isOpen)'],
  ),
  ...exactlyOnce(
    'ledger/wire',
    ['one hidden retry is none', 'requests.length <= attempts.length)', 'requests.length <= attempts.length + 1)'],
    ['copies are retries', "if (entry.origin === 'client' && ", 'if ('],
    ['what the history does not reach was never asked for', ' && entry.sentNs <= history.lastNs', ''],
    ['answers that nobody heard differ', ' || one.answer === null || other.answer === null', ''],
  ),
  ...exactlyOnce(
    'ledger/payloads',
    ['one key may stand for two payloads', 'if (first && other) {', 'if (first && !other) {'],
    [
      'what was refused for good may be acknowledged',
      'if (accepted === undefined || refused === undefined) return;',
      'if (accepted !== undefined || refused === undefined) return;',
    ],
    ['a payload is how it is written', 'if (!terms.comparesMeaning) return;', 'if (terms.comparesMeaning) return;'],
    ['another form is another payload', 'evidence.asked[at]?.form !== undefined', 'evidence.asked[at] === undefined'],
  ),
  ...validator(
    'methods',
    ['any state will do', 'text !== first.text', 'text === first.text'],
    ['one state is two', 'states.length < 2', 'states.length < 1'],
    ['what is refused was tried', 'offered > 0 ||', 'offered >= 0 ||'],
    ['any answer is a state', "by === 'GET'", 'by !== undefined'],
  ),
  ...exactlyOnce('ledger/guarantees', [
    'a guarantee is kept that was never put to the test',
    'if (rule.cases > 0) return',
    'if (rule.cases >= 0) return',
  ]),
];

/** Where the source is not what it was the mutant says nothing: better none at all. */
for (const { file, name, from } of MUTANTS) {
  const times = readFileSync(new URL(file, import.meta.url), 'utf8').split(from).length - 1;
  if (times !== 1) throw new Error(`mutant "${name}": its text is in ${file} ${times} times`);
}

const titleOf = ({ file, name }: Mutant): string => `${file}: ${name}`;

const failsEach = new Map(MUTANTS.map((mutant) => [titleOf(mutant), mutant.failsEach]));

/** What a mutant lived through in these tests of its project. */
function survivals(title: string, modules: readonly TestModule[]): readonly string[] {
  const each = failsEach.get(title);
  if (!each) return modules.every((one) => one.ok()) ? [title] : [];
  const tests = modules.flatMap((one) => [...one.children.allTests()]).filter((test) => each in test.meta());
  console.log(`${title}: ${tests.length} tests, ${tests.filter((test) => !test.ok()).length} failed`);
  return tests.filter((test) => test.ok()).map((test) => `${title}, in "${test.fullName}"`);
}

/** Prints what survived. That tests fail is what is wanted: the exit code is 1 where none did. */
const reporter: Reporter = {
  onTestRunEnd(modules) {
    const titles = [...new Set(modules.map(({ project }) => project.name))];
    const survived = titles.map((title) =>
      survivals(
        title,
        modules.filter(({ project }) => project.name === title),
      ),
    );
    for (const line of survived.flat()) console.log(`survived: ${line}`);
    const killed = survived.filter((lines) => lines.length === 0).length;
    console.log(`${titles.length} mutants, ${killed} killed`);
    process.on('exit', () => {
      process.exitCode = killed < titles.length || titles.length === 0 ? 1 : 0;
    });
  },
};

export default defineConfig({
  test: {
    reporters: [reporter],
    maxWorkers: process.env['CI'] ? 1 : 2,
    projects: MUTANTS.map((mutant) => ({
      plugins: [
        {
          name: 'mutant',
          enforce: 'pre' as const,
          transform: (code: string, id: string) =>
            id.endsWith(`/${mutant.file}`) ? code.replace(mutant.from, () => mutant.to) : undefined,
        },
      ],
      test: {
        name: titleOf(mutant),
        testTimeout: mutant.failsEach ? 20_000 : 60_000,
        include: mutant.tests.map((test) => (test.includes('/') ? test : `${dirname(mutant.file)}/${test}`)),
        env: { ORDEAL_FUZZ_RUNS: '250', ORDEAL_FUZZ: '50' },
      },
    })),
  },
});
