import { describe, expect, it, vi } from 'vitest';
import { type Hand, WorkLoop } from '../../src/queue/work-loop.ts';

const NEVER = new AbortController().signal;

/** A job of a test: what it does is decided from outside. */
interface Job {
  readonly name: string;
  readonly hand: Hand;
  /** Its turn, once it has asked for it. */
  readonly turn: Promise<void>;
  end(): void;
}

function loopOf(names: string[], concurrency: number, signalOf: (name: string) => AbortSignal = () => NEVER) {
  const begun: Job[] = [];
  const atTurn: string[] = [];
  const loop = new WorkLoop<string>({
    concurrency,
    pollMs: 600_000,
    take: async () => names.shift(),
    work: async (name, hand) => {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const turn = hand.takeTurn(signalOf(name)).then(() => void atTurn.push(name));
      begun.push({ name, hand, turn, end });
      await Promise.all([turn, ended]).catch(() => undefined);
    },
    onError: (error) => expect.unreachable(error.message),
  });
  const job = async (name: string): Promise<Job> =>
    vi.waitFor(() => {
      const found = begun.find((one) => one.name === name);
      if (!found) throw new Error(`${name} was not begun`);
      return found;
    });
  return { loop, begun, atTurn, job, names: () => begun.map(({ name }) => name) };
}

/** When all that was to happen by itself has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('work on one job at a time', () => {
  it('begins no other before it is nearly over', async () => {
    const { loop, job, names } = loopOf(['a', 'b'], 1);
    const a = await job('a');
    loop.wake();
    await settled();
    expect(names()).toEqual(['a']);
    a.hand.nearlyOver();
    await job('b');
    a.end();
    (await job('b')).end();
    await loop.stop();
  });

  it('begins one ahead and no more, which waits for its turn until the first has ended', async () => {
    const { loop, job, names, atTurn } = loopOf(['a', 'b', 'c'], 1);
    const a = await job('a');
    await a.turn;
    a.hand.nearlyOver();
    const b = await job('b');
    loop.wake();
    await settled();
    expect(names()).toEqual(['a', 'b']);
    expect(atTurn).toEqual(['a']);
    a.end();
    await b.turn;
    await settled();
    expect(names()).toEqual(['a', 'b']);
    b.end();
    const c = await job('c');
    c.end();
    await loop.stop();
    expect(atTurn).toEqual(['a', 'b', 'c']);
  });

  it('gives the turn to the next where one ahead is given up', async () => {
    const stopping = new AbortController();
    const { loop, job, atTurn } = loopOf(['a', 'b', 'c'], 1, (name) =>
      name === 'b' ? stopping.signal : NEVER,
    );
    const a = await job('a');
    await a.turn;
    a.hand.nearlyOver();
    const b = await job('b');
    stopping.abort(new Error('given up'));
    await expect(b.turn).rejects.toThrow('given up');
    const c = await job('c');
    await settled();
    expect(atTurn).toEqual(['a']);
    a.end();
    await c.turn;
    c.end();
    await loop.stop();
    expect(atTurn).toEqual(['a', 'c']);
  });
});

it('two jobs at a time have their turn at once, and one more is begun', async () => {
  const { loop, job, names, atTurn } = loopOf(['a', 'b', 'c', 'd'], 2);
  const [a, b] = [await job('a'), await job('b')];
  await Promise.all([a.turn, b.turn]);
  a.hand.nearlyOver();
  b.hand.nearlyOver();
  const c = await job('c');
  loop.wake();
  await settled();
  expect(names()).toEqual(['a', 'b', 'c']);
  expect(atTurn).toEqual(['a', 'b']);
  b.end();
  await c.turn;
  const d = await job('d');
  for (const one of [a, c, d]) one.end();
  await loop.stop();
});
