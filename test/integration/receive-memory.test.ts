import { describe, expect, it } from 'vitest';
import { measureReceive } from '../support/receive-memory.ts';

const MEGABYTE = 1_000_000;

describe.runIf(process.platform === 'linux')(
  'memory of a node that receives a study of 500 MB by STOW-RS',
  () => {
    it('grows by less than 150 MB, whether they are a thousand instances or one', async () => {
      const [many, one] = await measureReceive([
        { instances: 1000, pixelBytes: 0.5 * MEGABYTE },
        // Rows has 16 bits: a single frame cannot be larger than 131 MB with the columns of the test.
        { instances: 4, pixelBytes: 125 * MEGABYTE },
      ]);
      expect(many?.growthBytes).toBeLessThan(150 * MEGABYTE);
      expect(one?.growthBytes).toBeLessThan(150 * MEGABYTE);
    });
  },
);
