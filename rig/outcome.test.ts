import { describe, expect, it } from 'vitest';
import { Refused, RequestError } from './define.ts';
import { isProgrammingError, outcomeOf } from './outcome.ts';

const definite = new Set(['connection-refused']);

describe('outcomeOf', () => {
  it('takes a refusal for a fail whatever the semantics', () => {
    expect(outcomeOf(new Refused('cas-mismatch'), definite, 'unsafe')).toEqual({ type: 'fail', error: 'cas-mismatch' });
  });

  it('takes what the client calls definite for a fail', () => {
    const error = new RequestError('connection-refused', '127.0.0.1:1 said no');
    expect(outcomeOf(error, definite, 'unsafe')).toEqual({
      type: 'fail',
      error: 'connection-refused',
      detail: '127.0.0.1:1 said no',
    });
  });

  it('takes anything else for an unknown', () => {
    const timeout = new DOMException('nothing within 1 s', 'TimeoutError');
    expect(outcomeOf(timeout, definite, 'unsafe')).toMatchObject({ type: 'info', error: 'timeout' });
    expect(outcomeOf(timeout, definite, 'idempotent')).toMatchObject({ type: 'info' });
    expect(outcomeOf('a text', definite, 'unsafe')).toMatchObject({ type: 'info', error: 'thrown-value' });
  });

  it('takes a lost safe request for a fail, because it changed nothing', () => {
    expect(outcomeOf(new RequestError('connection-reset'), definite, 'safe')).toMatchObject({ type: 'fail' });
  });

  it('names a system error by its code', () => {
    const error = Object.assign(new Error('read'), { code: 'ECONNRESET' });
    expect(outcomeOf(error, definite, 'unsafe')).toMatchObject({ error: 'econnreset' });
  });

  it('keeps only the beginning of an endless message', () => {
    const outcome = outcomeOf(new Error('x'.repeat(10_000)), definite, 'unsafe');
    expect('detail' in outcome && outcome.detail?.length).toBe(500);
  });
});

describe('isProgrammingError', () => {
  it('tells a mistake in a plug-in from an error of the network', () => {
    expect(isProgrammingError(new TypeError('x is undefined'))).toBe(true);
    expect(isProgrammingError(new TypeError('fetch failed', { cause: new Error('refused') }))).toBe(false);
    expect(isProgrammingError(new SyntaxError('hostile JSON'))).toBe(false);
  });
});
