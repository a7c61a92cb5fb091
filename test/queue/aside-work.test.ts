import { describe, expect, it, vi } from 'vitest';
import { AsideWork } from '../../src/queue/aside-work.ts';

/** Work that ends when the test says so, or when it has to give way. */
function asideOf(names: string[], { isFree = async () => true }: { isFree?: () => Promise<boolean> } = {}) {
  const begun: string[] = [];
  const ended: string[] = [];
  const ends = new Map<string, () => void>();
  const work = new AsideWork<string>({
    isFree,
    waits: async () => names.length > 0,
    take: async () => names.shift(),
    work: async (name, signal) => {
      begun.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(name, resolve);
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve());
      await promise;
      ended.push(signal.aborted ? `${name} gave way` : name);
      if (signal.aborted) names.unshift(name);
    },
    pollMs: 600_000,
    onError: (error) => expect.unreachable(error.message),
  });
  return { work, begun, ended, end: (name: string) => ends.get(name)?.() };
}

describe('work aside of the studies', () => {
  it('is done one after the other while there is no study', async () => {
    const { work, begun, ended, end } = asideOf(['a', 'b']);
    await vi.waitFor(() => expect(begun).toEqual(['a']));
    end('a');
    await vi.waitFor(() => expect(begun).toEqual(['a', 'b']));
    end('b');
    await vi.waitFor(() => expect(ended).toEqual(['a', 'b']));
    await work.stop();
  });

  it('gives way to a study that begins, and is begun again when the last of them is over', async () => {
    const { work, begun, ended, end } = asideOf(['a']);
    await vi.waitFor(() => expect(begun).toEqual(['a']));
    const [one, other] = [work.studyBegins(), work.studyBegins()];
    await vi.waitFor(() => expect(ended).toEqual(['a gave way']));
    one[Symbol.dispose]();
    one[Symbol.dispose]();
    work.wake();
    await new Promise(setImmediate);
    expect(begun).toEqual(['a']);
    other[Symbol.dispose]();
    await vi.waitFor(() => expect(begun).toEqual(['a', 'a']));
    end('a');
    await vi.waitFor(() => expect(ended).toEqual(['a gave way', 'a']));
    await work.stop();
  });

  it('is not begun where a study comes while it is being looked whether there is any', async () => {
    const { promise: free, resolve: say } = Promise.withResolvers<boolean>();
    const { work, begun } = asideOf(['a'], { isFree: () => free });
    using study = work.studyBegins();
    say(true);
    await new Promise(setImmediate);
    expect(begun).toEqual([]);
    expect(study).toBeDefined();
    await work.stop();
  });

  it('waits where studies wait, and looks again when it is woken', async () => {
    let isFree = false;
    const { work, begun, end } = asideOf(['a'], { isFree: async () => isFree });
    await new Promise(setImmediate);
    expect(begun).toEqual([]);
    isFree = true;
    work.wake();
    await vi.waitFor(() => expect(begun).toEqual(['a']));
    end('a');
    await work.stop();
  });

  it('has work while it is at a job or one waits, and not where it is not its turn', async () => {
    let isFree = true;
    const { work, begun, end } = asideOf(['a', 'b'], { isFree: async () => isFree });
    await vi.waitFor(() => expect(begun).toEqual(['a']));
    isFree = false;
    expect(await work.hasWork()).toBe(true);
    end('a');
    await vi.waitFor(async () => expect(await work.hasWork()).toBe(false));
    isFree = true;
    expect(await work.hasWork()).toBe(true);
    work.wake();
    await vi.waitFor(() => expect(begun).toEqual(['a', 'b']));
    expect(await work.hasWork()).toBe(true);
    end('b');
    await vi.waitFor(async () => expect(await work.hasWork()).toBe(false));
    await work.stop();
  });

  it('ends when the node stops', async () => {
    const { work, begun, ended } = asideOf(['a', 'b']);
    await vi.waitFor(() => expect(begun).toEqual(['a']));
    await work.stop();
    expect(ended).toEqual(['a gave way']);
    expect(begun).toEqual(['a']);
  });
});
