import { expect, test } from 'vitest';
import { syntheticStudies } from '../../src/demo/studies.ts';
import { describeWith } from '../support/requires.ts';
import { validatorFindings } from '../support/validators.ts';

/**
 * What dciodvfy warns of though real scanners write it (their own values 3 of ImageType, the b-value) or the
 * standard defines it (RescaleType US, PS3.3 C.11.1.1.2).
 */
const AS_SCANNERS_WRITE =
  /defined term <(M|REFORMATTED|DIFFUSION)>|Diffusion b-value|Standard Extended SOP Class|<US> for value 1/;

describeWith(['dciodvfy', 'dcentvfy', 'java'], 'the synthetic studies', () => {
  test.each(syntheticStudies().map((study) => [study.title, study] as const))(
    'draw no finding from the validators: %s',
    async (_, { series }) => {
      const files: Record<string, Uint8Array> = {};
      // Every eighth image: of each series, of each of its stacks, of both b-values.
      for (const [s, { instances }] of series.entries())
        for (const [i, bytes] of [...instances()].entries()) if (i % 8 === 0) files[`${s}-${i}`] = bytes;
      const findings = await validatorFindings(files);
      expect(findings.filter((finding) => !AS_SCANNERS_WRITE.test(finding))).toEqual([]);
    },
  );
});
