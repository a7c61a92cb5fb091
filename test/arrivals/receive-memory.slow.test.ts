import { describe, expect, it } from 'vitest';
import { measureReceive, STUDY_OF_500_MB } from '../support/receive-memory.ts';

const MEGABYTE = 1_000_000;

describe.runIf(process.platform === 'linux')('a node that receives a study of 500 MB by STOW-RS', () => {
  it('grows by less than 150 MB until the archive has all of it', async () => {
    const { growthBytes } = await measureReceive(STUDY_OF_500_MB);
    expect(growthBytes).toBeLessThan(150 * MEGABYTE);
  });
});
