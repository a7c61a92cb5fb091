import { expect, it } from 'vitest';
import { outgoingSection } from '../../src/http/pages/outgoing-table.ts';
import { resultCard } from '../../src/http/pages/result-card.ts';
import type { Outgoing } from '../../src/store/exchange/outgoing.ts';
import type { ReviewedVolume } from '../../src/store/records/find-studies.ts';
import { measuredVolume } from '../support/measured-volume.ts';

const VOLUME: ReviewedVolume = {
  ...measuredVolume('p', '20260301'),
  correction: null,
  withdrawn: null,
  review: null,
};
const card = (volume: ReviewedVolume, other: { rejectionNotes: boolean; toldElsewhere: boolean }): string =>
  resultCard(volume, { basePath: '', mayReview: true, notice: undefined, ...other }).text;

it('a card says that other systems hear of a rejection only where they were told of the result', () => {
  const told = { rejectionNotes: false, toldElsewhere: true };
  expect(card(VOLUME, told)).toContain(
    'Reviews stay with this node. Other systems that the result was sent to hear of a rejection.',
  );
  expect(card(VOLUME, { ...told, toldElsewhere: false })).not.toContain('Other systems');
  expect(card({ ...VOLUME, historyAlone: true }, told)).not.toContain('Other systems');
  const both = card(VOLUME, { ...told, rejectionNotes: true });
  expect(both).toContain('rejection note in the archive. Other systems');
  expect(both).not.toContain('stay with this node');
});

it('a message that was overtaken is shown as not sent, with the reason, and cannot be sent again', () => {
  const { report, studyInstanceUid } = VOLUME;
  const message: Outgoing = {
    number: 1,
    id: '0123456789ABCDEF0123',
    exit: 'fhir',
    studyInstanceUid,
    result: 'r',
    change: 'finished',
    report: report.sopInstanceUid,
    volume: VOLUME,
    putAt: new Date('2026-03-04T05:06:08Z'),
    state: 'overtaken',
    tries: 1,
    refusals: 0,
    nextTryAt: undefined,
    endedAt: new Date('2026-03-04T05:06:09Z'),
    reason: 'a later message',
  };
  const section = outgoingSection([message], { studyInstanceUid, basePath: '', mayAct: true });
  expect(section?.text).toContain('not sent: a later message');
  expect(section?.text).not.toContain('send-again');
});
