import { describe, expect, it, vi } from 'vitest';
import { describeFailure } from '../../src/pipeline/failures.ts';
import { StageClock } from '../../src/pipeline/run/stages.ts';

/** In minutes. */
const SHORT = 0.0005;
const LONG = 1;
const limits = { retrieve: LONG, segment: LONG, store: LONG };

describe('the limit of a stage', () => {
  it('cuts the stage off with a passing failure that names it, even where the work does not heed its signal', async () => {
    const stage = new StageClock({ limits: { ...limits, retrieve: SHORT } }).about('series');
    const hanging = stage('retrieve', () => new Promise<void>(() => undefined));
    const failure = describeFailure(await hanging.catch((error: unknown) => error));
    expect(failure).toMatchObject({ code: 'STAGE_TIMEOUT', passing: true });
    expect(failure.reason).toMatch(/the stage "retrieve".*queue\.stageTimeoutMinutes\.retrieve: 0\.0005/);
  });

  it('tells the work to stop', async () => {
    const stage = new StageClock({ limits: { ...limits, segment: SHORT } }).about('series');
    let reason: unknown;
    const work = stage(
      'segment',
      (_, signal) =>
        new Promise<void>((resolve) => {
          signal?.addEventListener('abort', () => {
            reason = signal.reason;
            resolve();
          });
        }),
    );
    await expect(work).rejects.toThrow('"segment"');
    expect(reason).toMatchObject({ code: 'STAGE_TOO_SLOW' });
  });

  it('ends a stage early that would take more than twice its time, and says how long; it is tried once more', async () => {
    const { failure, told } = await slowWork({ limitMs: 400, total: 100 });
    expect(failure).toMatchObject({ code: 'STAGE_TOO_SLOW', passing: true, retriesAtMost: 1 });
    expect(failure.reason).toMatch(/would take \d+ minutes here \(queue\.stageTimeoutMinutes\.segment/);
    expect(told).toBe(5);
  });

  it('lets a stage go on that may still end in time', async () => {
    const { failure, told } = await slowWork({ limitMs: 400, total: 15 });
    expect(failure.reason).toMatch(/was cut off/);
    expect(told).toBeGreaterThan(7);
  });

  it('is for the stages of its kind alone', async () => {
    const stage = new StageClock({ limits: { ...limits, retrieve: SHORT } }).about('series');
    const { promise, resolve } = Promise.withResolvers<string>();
    setTimeout(() => resolve('stored'), 4 * SHORT * 60_000);
    expect(await stage('store', () => promise)).toBe('stored');
  });

  it("leaves the study's own signal to the work", async () => {
    const stopping = new AbortController();
    const stage = new StageClock({ limits, signal: stopping.signal }).about('series');
    const work = stage('retrieve', async (_, signal) => {
      stopping.abort(new Error('stop'));
      signal?.throwIfAborted();
    });
    await expect(work).rejects.toThrow('stop');
  });
});

/** A pass each 50 ms of a clock that the test drives; a limit of 400 ms leaves room for eight. */
async function slowWork({ limitMs, total }: { limitMs: number; total: number }) {
  vi.useFakeTimers();
  try {
    const stage = new StageClock({ limits: { ...limits, segment: limitMs / 60_000 } }).about('series');
    let told = 0;
    const work = stage('segment', async (progress, signal) => {
      for (; told < total; told++) {
        signal?.throwIfAborted();
        progress(told, total);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(2 * limitMs);
    return { failure: describeFailure(await work), told };
  } finally {
    vi.useRealTimers();
  }
}
