import { createPdf } from '../../pictures/encapsulated-pdf.ts';
import type { PictureInput } from '../../pictures/picture-input.ts';
import { createPictures } from '../../pictures/secondary-capture.ts';
import { APART_MEANINGS } from '../../results/apart-reason.ts';
import { flagMeaning } from '../../results/quality-flags.ts';
import type { ResultObject } from '../../results/result-context.ts';
import { changesSince } from '../../sr/change.ts';
import type { ReportInput } from '../../sr/report-input.ts';
import { changeSentence, repeatabilitySentence } from '../../sr/words.ts';
import type { PictureSettings } from './run-parts.ts';

/** For viewers that show neither SEG nor SR, as far as the site wants them. */
export interface Pictures {
  /** A Secondary Capture series: summary page and key images. */
  readonly keyImages: readonly ResultObject[];
  /** The summary page as a document. */
  readonly pdf: ResultObject | undefined;
}

/** What the report says, drawn. Made anew of the same report they are the same objects. */
export function picturesOf(
  report: ReportInput,
  related: PictureInput['related'],
  settings: PictureSettings,
): Pictures {
  const { context, found, flags, priors, apart, repeatabilityPercent, supersedes } = report;
  const changes = changesSince(report);
  const input: PictureInput = {
    context,
    measurement: found?.measurement,
    // That nothing was found stands where the volume would.
    remarks: flags.filter((flag) => flag !== 'nothing-found').map(flagMeaning),
    changes: changes.map((change) => changeSentence(change, repeatabilityPercent)),
    notes: [
      ...(changes.length > 0 ? [repeatabilitySentence(repeatabilityPercent)] : []),
      ...(apart ? [APART_MEANINGS[apart]] : []),
      ...(report.remarks ?? []),
      ...(supersedes ? [`Takes the place of the report ${supersedes.sopInstanceUid}.`] : []),
    ],
    earlier: priors,
    related,
  };
  return {
    keyImages: settings.keyImages ? createPictures(input) : [],
    pdf: settings.pdf ? createPdf(input) : undefined,
  };
}
