import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createProgressDisplay } from '../../src/commands/terminal/progress.ts';
import { TEXTS } from '../../src/http/pages/texts.ts';
import { StageClock } from '../../src/pipeline/run/stages.ts';
import { timeLeft } from '../../src/time-left.ts';

afterEach(() => void vi.useRealTimers());

describe('how long the work takes yet', () => {
  test('goes by the passes that were done, from the first word of the network on', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const events: object[] = [];
    const stage = new StageClock({ onProgress: (event) => events.push(event) }).about('abdomen');
    await stage('segment', (progress) => {
      vi.advanceTimersByTime(5_000); // preprocessing
      progress(0, 10);
      vi.advanceTimersByTime(6_000);
      progress(2, 10);
      vi.advanceTimersByTime(3_000);
      progress(3, 35); // there is more to do than was known
    });
    expect(events).toEqual([
      { stage: 'segment', subject: 'abdomen' },
      { stage: 'segment', subject: 'abdomen', done: 0, total: 10 },
      { stage: 'segment', subject: 'abdomen', done: 2, total: 10, secondsLeft: 24 },
      { stage: 'segment', subject: 'abdomen', done: 3, total: 35, secondsLeft: 96 },
    ]);
  });

  test.each([
    [undefined, undefined],
    [4, 'a few seconds left'],
    [24, '30 s left'],
    [60, '1 min left'],
    [96, '2 min left'],
    [5_400, '1.5 h left'],
  ])('of %s s is "%s"', (seconds, words) => {
    expect(timeLeft(seconds)).toBe(words);
  });

  test('is on the page', () => {
    expect(TEXTS.progress({ stage: 'segment', fraction: 0.2, secondsLeft: 24 })).toBe(
      'segment 20 %, 30 s left',
    );
    expect(TEXTS.progress({ stage: 'store' })).toBe('store');
  });

  test('is in a log once a minute', () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const output = new PassThrough();
    const { listener } = createProgressDisplay(output as unknown as NodeJS.WriteStream);
    const event = { stage: 'segment', subject: 'abdomen' };
    listener(event);
    for (let done = 0; done <= 10; done++) {
      listener({ ...event, done, total: 10, secondsLeft: 13 * (10 - done) });
      vi.advanceTimersByTime(13_000);
    }
    expect(String(output.read()).trim().split('\n')).toEqual([
      'segment: abdomen',
      'segment: abdomen, 50 %, 2 min left',
      'segment: abdomen, 100 %, a few seconds left',
    ]);
  });
});
