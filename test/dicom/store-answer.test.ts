import { expect, it } from 'vitest';
import { FAILURE_REASON, storeAnswer } from '../../src/dicom/web/store-request.ts';

it('an answer to STOW-RS lists a thousand failures of each kind at most', () => {
  const failure = (named: boolean, index: number) => ({
    failure: {
      ...(named ? { sopUid: `1.2.${index}`, sopClassUid: '1.2' } : {}),
      reason: FAILURE_REASON.outOfResources,
    },
  });
  const outcomes = Array.from({ length: 6_000 }, (_, index) => failure(index % 2 === 0, index));
  const { status, dataset } = storeAnswer(outcomes, undefined);
  expect(status).toBe(409);
  expect(dataset['00081198']?.Value).toHaveLength(1_000);
  expect(dataset['0008119A']?.Value).toHaveLength(1_000);
});
