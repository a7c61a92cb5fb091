import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files of minutes, the longest first. Begun last, one of them alone would keep the other cores waiting. */
export const LONGEST = [
  'pipeline/node.slow',
  'bench/bench.slow',
  'results/results-valid.slow',
  'pipeline/a-few-kills.slow',
  'commands/cli.slow',
  'pipeline/history-rebuild.slow',
  'segment-input/segment-nifti-parity.slow',
].map((name) => `test/${name}.test.ts`);

/** Order of the test files where nothing is known of an earlier run: the long ones, then the large ones. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(name));
      return place === -1 ? LONGEST.length : place;
    };
    const sorted = await super.sort(files);
    return sorted.toSorted((a, b) => groupOf(a) - groupOf(b) || rank(a) - rank(b));
  }
}

const groupOf = ({ project }: TestSpecification): number => project.config.sequence.groupOrder;
