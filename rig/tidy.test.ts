/** Checks the code itself: who may import whom, what must not be used, how long things may be, and that nothing is forgotten. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { packageRoot } from './package-root.ts';

/** What each room may import besides itself. The registry alone may import them all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  rig: [],
  checkers: ['rig'],
  nemeses: ['rig'],
  clusters: ['rig'],
  reports: ['rig'],
  workloads: ['rig', 'checkers'],
};

const REGISTRY = 'rig/rooms.ts';
/** They know the rooms that judge without the registry, which would take longer to load than most judgements take. */
const JUDGES = ['rig/judges.ts', 'rig/judge-worker.ts'];
/** The command line: it alone may know the registry, and no room may import it. */
const COMMAND_LINE = [
  'rig/main.ts',
  'rig/commands.ts',
  'rig/history-commands.ts',
  'rig/run-command.ts',
  'rig/config.ts',
  'rig/prepare.ts',
  'rig/member-command.ts',
  'rig/nemesis-command.ts',
  'rig/scaffold.ts',
  'rig/init-command.ts',
  'rig/replay-command.ts',
  'rig/leftovers.ts',
  'rig/bench/judging.ts',
  'rig/bench/partition.ts',
  'rig/bench/detection-table.ts',
  'rig/bench/traffic.ts',
];
/** What is started by name rather than imported. */
const ENTRANCES = [
  'rig/judge-worker.ts',
  'rig/stuck-worker.ts',
  'rig/main.ts',
  'rig/bench/bench.ts',
  'rig/bench/detection-table.ts',
  'rig/index.ts',
  'clusters/ledger/service.ts',
  'clusters/ledger/cache-server.ts',
  'clusters/hosts/guardian.ts',
  'clusters/hosts/doomed-rig.ts',
];

interface Ban {
  readonly pattern: RegExp;
  readonly instead: string;
  /** Files, and folders with their `/`, in which it is what is meant. */
  readonly except: readonly string[];
}

/** Processes of their own and the real world around them have real time and real logs. */
const REAL_WORLD = ['clusters/hosts/', 'clusters/ledger/', 'rig/bench/'];

const BANS: readonly Ban[] = [
  { pattern: /\bMath\.random\(/, instead: 'a fork of `Random`', except: [] },
  {
    pattern: /\b(Date|performance)\.now\(/,
    instead: 'a `Clock` that is passed in',
    except: ['rig/clock.ts', 'rig/budget.ts', 'rig/progress.ts', ...REAL_WORLD],
  },
  { pattern: /\bnew Date\(\)/, instead: 'a `Clock`, or the date at which the run began', except: ['rig/run.ts'] },
  {
    pattern: /\bset(Timeout|Interval)\(|'node:timers/,
    instead: '`after` or `sleep` of a `Clock`',
    except: ['rig/clock.ts', 'rig/journal.ts', 'rig/progress.ts', ...REAL_WORLD],
  },
  {
    pattern: /'(node:)?child_process'/,
    instead: 'a host',
    except: ['clusters/hosts/', 'rig/bench/', 'rig/leftovers.ts'],
  },
  {
    // Nothing but the memory holds such a timeout: once it is swept, it never comes.
    pattern: /\bAbortSignal\.any\(.*\bAbortSignal\.timeout\(/,
    instead: '`deadline` of a `Clock`',
    except: [],
  },
  { pattern: /\bconsole\.\w+\(/, instead: 'a return value, or `progress`', except: REAL_WORLD },
];

/** Nowhere, in tests neither. */
const LEFTOVERS: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/\b(TODO|FIXME|XXX)\b/, 'do it, or write an issue'],
  [/\b(it|describe|test)\.only\b/, 'one test must not stand for all'],
  [/\bdebugger;/, 'take it out'],
  [/@ts-(ignore|nocheck)/, 'let the types say it'],
];

/** The words that all share are in one place, however many they are; made-up runs for tests are data. */
const LONG = ['rig/contract.ts', 'reports/sample-runs.ts'];
const MOST_LINES = 400;
const MOST_FUNCTION_LINES = 60;

const files = Object.keys(MAY_IMPORT).flatMap((room) => sourcesBelow(room));
const product = files.filter((file) => !isTest(file));
const texts = new Map(files.map((file) => [file, readFileSync(join(packageRoot, file), 'utf8')]));

describe('imports', () => {
  it.each(product)('of %s are those its room may have', (file) => {
    const room = roomOf(file);
    for (const target of importsOf(file)) {
      const law = `${file} imports ${target}`;
      if (file !== REGISTRY && !JUDGES.includes(file))
        expect([room, ...(MAY_IMPORT[room] ?? [])], `${law}, but ${room}/ may not import it`).toContain(roomOf(target));
      if (target === REGISTRY) expect(COMMAND_LINE, `${law}, but only the command line may`).toContain(file);
      if (room !== 'rig') expect(COMMAND_LINE, `${law}, but no room may import the command line`).not.toContain(target);
    }
  });

  it.each(['rig/main.ts', 'rig/history-commands.ts', 'rig/judge-worker.ts'])(
    'of %s are few: nothing that only runs need',
    (file) => {
      const loaded = [...loadedWith(file).keys()];
      expect(loaded.filter((one) => ['clusters', 'nemeses', 'workloads'].includes(roomOf(one)))).toEqual([]);
    },
  );

  it('go round in no circle', () => {
    expect(product.flatMap((file) => circleThrough(file))).toEqual([]);
  });
});

describe('sources', () => {
  it.each(product)('%s uses nothing that is banned', (file) => {
    for (const { pattern, instead, except } of BANS) {
      if (except.some((place) => file === place || (place.endsWith('/') && file.startsWith(place)))) continue;
      expect(linesWith(file, pattern), `banned; use ${instead} instead`).toEqual([]);
    }
  });

  it.each(files)('%s has nothing left over', (file) => {
    if (file === 'rig/tidy.test.ts') return;
    for (const [pattern, advice] of LEFTOVERS) expect(linesWith(file, pattern), advice).toEqual([]);
  });

  it.each(product)('%s opens by saying what it decides', (file) => {
    expect(textOf(file), 'the first line is a comment of at least a few words').toMatch(
      /^(#!.*\n)?\/\*\*[\s*]*\S+ \S+/,
    );
  });

  it.each(files)(`%s has at most ${MOST_LINES} lines, and its functions at most ${MOST_FUNCTION_LINES}`, (file) => {
    if (!LONG.includes(file)) expect(textOf(file).split('\n').length - 1).toBeLessThanOrEqual(MOST_LINES);
    if (!isTest(file)) expect(longFunctions(file)).toEqual([]);
  });
});

describe('nothing is forgotten', () => {
  it.each(product.filter((file) => !ENTRANCES.includes(file)))('%s is used by somebody', (file) => {
    const itsOwnTest = file.replace(/\.ts$/, '.test.ts');
    const users = files.filter((other) => other !== file && other !== itsOwnTest && importsOf(other).includes(file));
    expect(users, 'nobody imports it; a member must be exported by the index of its room').not.toEqual([]);
  });

  it.each(Object.keys(MAY_IMPORT).filter((room) => room !== 'rig'))('every member in %s/ is in its index', (room) => {
    const index = textOf(`${room}/index.ts`);
    for (const file of product.filter((one) => roomOf(one) === room))
      for (const [, member] of textOf(file).matchAll(/^export const (\w+) = (?:define[A-Z]|partitionInto)/gm))
        expect(index, `${file} defines ${member}`).toMatch(new RegExp(`\\b${member}\\b`));
  });

  it.each(Object.keys(MAY_IMPORT).filter((room) => room !== 'rig'))('the index of %s/ is sorted', (room) => {
    const paths = [...textOf(`${room}/index.ts`).matchAll(/from '(.+)'/g)].map(([, path]) => path as string);
    expect(paths).toEqual([...paths].sort());
  });
});

function sourcesBelow(directory: string): string[] {
  return readdirSync(join(packageRoot, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return sourcesBelow(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

function textOf(file: string): string {
  return texts.get(file) as string;
}

/** Tests, and what only tests use. */
function isTest(file: string): boolean {
  return file.endsWith('.test.ts');
}

function roomOf(file: string): string {
  return file.split('/')[0] as string;
}

/** The files of this repository that a file imports, types too. */
function importsOf(
  file: string,
  kinds = /^(?:import|export) .*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gms,
): string[] {
  return [...textOf(file).matchAll(kinds)].map(([, one, other]) => join(dirname(file), (one ?? other) as string));
}

/** What is loaded with a file, each with who first imports it; types go where they like, and so does what is loaded later. */
function loadedWith(start: string): ReadonlyMap<string, string> {
  const atRunTime = /^(?:import|export) (?!type )(?:(?!;$).)*?from '(\.[^']+)'/gms;
  const importers = new Map<string, string>();
  const open = [start];
  for (let file = open.pop(); file !== undefined; file = open.pop())
    for (const target of importsOf(file, atRunTime)) {
      if (importers.has(target) || !texts.has(target)) continue;
      importers.set(target, file);
      open.push(target);
    }
  return importers;
}

/** A way from a file back to itself. */
function circleThrough(start: string): string[] {
  const importers = loadedWith(start);
  if (!importers.has(start)) return [];
  const path = [start];
  do path.unshift(importers.get(path[0] as string) as string);
  while (path[0] !== start);
  return [path.join(' → ')];
}

function linesWith(file: string, pattern: RegExp): string[] {
  return textOf(file)
    .split('\n')
    .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim()}`] : []));
}

/** Functions whose first and last lines, told by their indentation, are too far apart. Formatted code is taken for granted. */
function longFunctions(file: string): string[] {
  const lines = textOf(file).split('\n');
  return lines.flatMap((line, from) => {
    const begins = /^( *)(?:export )?(?:default )?(?:async )?(?:function\b.*|[\w#*].*\).*|.*=>) (?:\{)$/.exec(line);
    if (!begins || /^ *(?:export )?(?:class|interface|type|describe)\b/.test(line)) return [];
    const length = lines.slice(from).findIndex((other) => other.startsWith(`${begins[1]}}`)) + 1;
    return length > MOST_FUNCTION_LINES ? [`${file}:${from + 1}: ${length} lines: ${line.trim()}`] : [];
  });
}
