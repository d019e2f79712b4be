import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeWith } from '../../rig/needs.ts';
import { duplicateRun, hostileRun, interruptedRun, invalidRun, unknownRun, validRun } from '../samples/index.ts';
import { html } from './report.ts';

const MAKERS = { duplicateRun, hostileRun, interruptedRun, invalidRun, unknownRun, validRun };
type Sample = keyof typeof MAKERS;

const { counts } = invalidRun('').verdict;
const total = (of: (count: (typeof counts)[string]) => number) =>
  Object.values(counts).reduce((sum, count) => sum + of(count), 0);
const NOT_OK = total(({ fail, info }) => fail + info);
const ALL = (NOT_OK + total(({ ok }) => ok)).toLocaleString('en-GB');

const QUIET = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-sync',
];

/** What a page does a frame or two later, on a machine that may be busy. */
const eventually = <T>(seen: () => T) => expect.poll(seen, { timeout: 10_000 });

describeWith(['chromium'], 'report.html in Chromium', () => {
  let folder = '';
  let browser: Browser;
  const drawn = new Map<Sample, string>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ordeal-page-'));
    browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-component-update', ...QUIET],
    });
  });

  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
  });

  /** Where the sample's report is, drawn when first asked for. */
  async function address(sample: Sample): Promise<string> {
    const known = drawn.get(sample);
    if (known !== undefined) return known;
    const directory = join(folder, sample);
    await mkdir(directory);
    await html.write(MAKERS[sample](directory));
    const url = pathToFileURL(join(directory, 'report.html')).href;
    drawn.set(sample, url);
    return url;
  }

  /** Opens the report; `complaints` gathers errors, warnings and every request but the one for the page itself. */
  async function open(sample: Sample, options: BrowserContextOptions & { hash?: string } = {}) {
    const { hash = '', ...context } = options;
    const url = await address(sample);
    const page = await (await browser.newContext({ viewport: { width: 1200, height: 900 }, ...context })).newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(request.url());
    });
    await page.goto(`${url}${hash}`);
    if (context.javaScriptEnabled !== false)
      await page.waitForFunction('document.querySelector("#shown").textContent !== ""');
    return { page, complaints };
  }

  const shown = (page: Page) => page.locator('#shown').textContent();
  const field = (page: Page, name: string) => page.locator(`[name=${name}]`);
  const range = (page: Page) => page.locator('#range').textContent();

  it.each<[string, BrowserContextOptions]>([
    ['in a light room', { colorScheme: 'light' }],
    ['in a dark room', { colorScheme: 'dark' }],
    ['with scripts off', { javaScriptEnabled: false }],
    ['on a telephone', { viewport: { width: 360, height: 740 } }],
    ['with motion reduced', { reducedMotion: 'reduce' }],
  ])(
    'opens from disk %s: no complaint, no request, nothing cut off',
    async (_, options) => {
      for (const sample of ['invalidRun', 'duplicateRun', 'unknownRun', 'interruptedRun', 'hostileRun'] as const) {
        const { page, complaints } = await open(sample, options);
        expect(complaints, sample).toEqual([]);
        const [wide, room] = await Promise.all([
          page.evaluate<number>('document.documentElement.scrollWidth'),
          page.evaluate<number>('document.documentElement.clientWidth'),
        ]);
        expect(wide, sample).toBeLessThanOrEqual(room);
        await page.context().close();
      }
    },
    60_000,
  );

  it('follows the colours of the room', async () => {
    const grounds = await Promise.all(
      (['light', 'dark'] as const).map(async (colorScheme) => {
        const { page } = await open('invalidRun', { colorScheme });
        return page.evaluate('getComputedStyle(document.body).backgroundColor');
      }),
    );
    expect(grounds).toEqual(['rgb(255, 255, 255)', 'rgb(21, 24, 28)']);
  });

  it('can be read with scripts off: verdict, counterexample, charts, and the operations that matter', async () => {
    const { page } = await open('invalidRun', { javaScriptEnabled: false });
    expect(await page.locator('h1').innerText()).toContain('INVALID');
    expect(await page.locator('#anomaly-0 ~ figure .box').count()).toBe(7);
    expect(await page.locator('.chart svg').count()).toBe(3);
    expect(await page.locator('#timeline noscript table tbody tr').count()).toBe(7);
    expect(await page.locator('button:visible').count()).toBe(0);
  });

  it('lets hostile strings do nothing', async () => {
    const { page } = await open('hostileRun');
    expect(await page.evaluate('window.hurt')).toBeUndefined();
    expect(await page.locator('img').count()).toBe(0);
    await page.locator('#listing button').first().click();
    await page.locator('#canvas').hover({ position: { x: 600, y: 56 } });
    expect(await page.locator('#details').innerText()).toContain('</script><script>window.hurt=1</script>');
    expect(await page.evaluate('window.hurt')).toBeUndefined();
    expect(await page.locator('img').count()).toBe(0);
  });

  it('serves a reviewer: the verdict, the counterexample, the fault, one key', async () => {
    const { page, complaints } = await open('invalidRun');
    expect(await page.title()).toContain('✗ INVALID');
    expect(await page.locator('.sentence').innerText()).toContain('key 3 returned 7 after 8');

    expect(await page.locator('.box.impossible').getAttribute('aria-label')).toContain('read → 7');
    expect(await page.locator('.steps .impossible').innerText()).toContain('It read 7, but the value is 8');
    await page.getByRole('button', { name: 'Show in the timeline' }).first().click();
    await eventually(() => range(page)).toMatch(/^6\.\d+ s to 8\.\d+ s/);

    await page.getByRole('button', { name: 'Zoom to fault 1' }).click();
    await eventually(() => range(page)).toMatch(/^4\.\d+ s to 1[12]\.\d+ s/);

    await field(page, 'key').fill('3');
    await eventually(() => shown(page)).toBe(`7 of ${ALL} operations in view.`);
    const keys = await page.locator('#listing tbody td:nth-child(6)').allInnerTexts();
    expect(new Set(keys)).toEqual(new Set(['3']));
    expect(complaints).toEqual([]);
  });

  it('filters by function, outcome, node, error, text and counterexample, and clears', async () => {
    const { page } = await open('invalidRun');
    const inView = async () => Number((await shown(page))?.split(' ')[0]?.replace(',', ''));
    const all = await inView();
    await page.getByLabel('write', { exact: true }).uncheck();
    await eventually(inView).toBeLessThan(all);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await eventually(inView).toBe(all);
    await page.getByLabel('ok', { exact: true }).uncheck();
    await eventually(inView).toBe(NOT_OK);
    await field(page, 'error').selectOption('timeout');
    await field(page, 'node').selectOption('n2');
    await eventually(inView).toBe(0);
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByLabel('only the counterexample').check();
    await eventually(inView).toBe(7);
    await field(page, 'q').fill('cas');
    await eventually(inView).toBe(1);
  });

  it('shows an operation that is clicked, and where it is in a link', async () => {
    const { page } = await open('invalidRun');
    await page.locator('.box.impossible').click();
    await eventually(() => page.locator('#details').innerText()).toContain('part of the counterexample');
    expect(await page.locator('#details').innerText()).toMatch(/Answered\s+7/);
    await eventually(() => page.url()).toMatch(/#op=\d+$/);
  });

  it('is restored by a link', async () => {
    const first = await open('invalidRun', { hash: '#t=6.5-8.5&key=3&type=ok&rows=node' });
    expect(await range(first.page)).toBe('6.500 s to 8.500 s (2.0 s)');
    expect(await shown(first.page)).toBe(`6 of ${ALL} operations in view.`);
    expect(await field(first.page, 'key').inputValue()).toBe('3');
    expect(await first.page.getByLabel('unknown', { exact: true }).isChecked()).toBe(false);
    expect(await field(first.page, 'rows').inputValue()).toBe('node');
    await first.page.locator('#listing button').last().click();
    await eventually(() => first.page.url()).toContain('op=');
    const hash = new URL(first.page.url()).hash;
    const second = await open('invalidRun', { hash });
    expect(await second.page.locator('#details').innerText()).toBe(await first.page.locator('#details').innerText());
    expect(await shown(second.page)).toBe(await shown(first.page));
  });

  it('is not upset by a link that makes no sense', async () => {
    const { page, complaints } = await open('invalidRun', { hash: '#t=9-1&op=x&key=none&rows=up&node=%00&f=' });
    expect(await shown(page)).toBe(`0 of ${ALL} operations in view.`);
    expect(complaints).toEqual([]);
  });

  it('can be driven by keys alone', async () => {
    const { page } = await open('invalidRun');
    await page.locator('#canvas').focus();
    await page.keyboard.press('+');
    await eventually(() => range(page)).toMatch(/^(4\.99\d|5\.000) s to 1[45]\.\d+ s \(10\.0 s\)/);
    await page.keyboard.press('ArrowRight');
    await eventually(() => range(page)).toMatch(/^7\.\d+ s to 17\.\d+ s \(10\.0 s\)/);
    await page.keyboard.press('n');
    await eventually(() => page.locator('#details h3').innerText()).toMatch(/^Operation #\d+/);
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('#details').innerText()).toBe('');
    await page.keyboard.press('0');
    await eventually(() => range(page)).toContain('the whole run');
  });

  it('zooms to what is dragged over, and by ctrl and wheel but not by wheel alone', async () => {
    const { page } = await open('invalidRun');
    const canvas = page.locator('#canvas');
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox();
    if (!box) throw new Error('the canvas is not on the page');
    await page.mouse.move(box.x + 300, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + 500, box.y + 80, { steps: 4 });
    await page.mouse.up();
    await eventually(() => range(page)).toMatch(/^4\.\d+ s to [89]\.\d+ s/);
    const dragged = await range(page);
    await page.mouse.wheel(0, 60);
    expect(await range(page)).toBe(dragged);
    await canvas.scrollIntoViewIfNeeded();
    await canvas.dispatchEvent('wheel', { ctrlKey: true, deltaY: -120, clientX: 600, clientY: 300, bubbles: true });
    await eventually(() => range(page)).not.toBe(dragged);
  });

  it('shows what is under the pointer', async () => {
    const { page } = await open('invalidRun', { hash: '#t=6.99-7.03&key=3' });
    await page.locator('#canvas').scrollIntoViewIfNeeded();
    const width = (await page.locator('#canvas').boundingBox())?.width ?? 0;
    const x = 76 + ((7.0015 - 6.99) / 0.04) * (width - 82);
    await page.locator('#canvas').hover({ position: { x, y: 54 } });
    await eventually(() => page.locator('#tip').innerText()).toMatch(/write 7 → done\s+p100 on n1 on 3, at 7\.000 s/);
  });

  it('copies the command', async () => {
    const { page } = await open('invalidRun', { permissions: ['clipboard-read', 'clipboard-write'] });
    await page.locator('#copy-command').click();
    await eventually(() => page.locator('#copy-command').innerText()).toMatch(/Copied|Selected/);
  });

  it('shows 100,000 operations at once', async () => {
    const { page, complaints } = await open('validRun');
    expect(await shown(page)).toBe('100,000 of 100,000 operations in view.');
    expect(complaints).toEqual([]);
  });
});
