import { type DicomDataset, text, texts, verbatim } from '../dicom/reading/dataset.ts';
import { isoDate } from '../results/dates.ts';
import { MANUFACTURER_MODEL_NAME } from '../results/own-results.ts';
import { type ResultContext, sourceHeader } from '../results/result-context.ts';
import { type HanForms, hanForms } from './fonts.ts';
import { personNameLines } from './person-name.ts';

/** What the pages say about patient, study and model, in words. */
export interface PageFacts {
  /** One line per component group of the name. */
  readonly names: readonly string[];
  readonly patient: string;
  readonly study: string;
  readonly studyDescription: string;
  readonly series: string;
  readonly model: string;
  readonly weights: string;
  /** What every page must carry. */
  readonly restrictions: readonly string[];
  readonly forms: HanForms;
}

const RESEARCH_USE = 'For research use only. Not for diagnosis.';
/** So many digits of a hash tell two files apart for people; the report has them all. */
const HASH_DIGITS = 12;
const SEPARATOR = ' \u00b7 ';

export function pageFacts(context: ResultContext): PageFacts {
  const { model, contentQualification, softwareVersion } = context;
  const header = sourceHeader(context.series);
  const name = verbatim(header, 'PatientName')[0] ?? '';
  return {
    names: personNameLines(name),
    patient: patientLine(header),
    study: studyLine(header),
    studyDescription: text(header, 'StudyDescription') ?? '',
    series: seriesLine(header, context.part),
    model: `${model.title} (${model.name} ${model.version}), mode ${model.mode}`,
    weights:
      `weights sha256 ${model.sha256.slice(0, HASH_DIGITS)}${SEPARATOR}` +
      `${MANUFACTURER_MODEL_NAME} ${softwareVersion}`,
    restrictions: [
      ...(contentQualification === 'RESEARCH' ? [RESEARCH_USE] : []),
      ...(model.notice ? [`The model ${model.name}: ${model.notice}.`] : []),
    ],
    forms: hanForms(texts(header, 'SpecificCharacterSet'), name),
  };
}

function patientLine(header: DicomDataset): string {
  const issuer = text(header, 'IssuerOfPatientID');
  const id = text(header, 'PatientID') ?? 'none';
  return joined([
    `ID ${id}${issuer === undefined ? '' : ` (${issuer})`}`,
    labelled('born', dateLabel(text(header, 'PatientBirthDate'))),
    labelled('sex', text(header, 'PatientSex')),
  ]);
}

function studyLine(header: DicomDataset): string {
  const time = /^(\d\d)(\d\d)/.exec(text(header, 'StudyTime') ?? '');
  const date = dateLabel(text(header, 'StudyDate')) ?? 'of unknown date';
  return joined([
    `Study ${date}${time ? ` ${time[1]}:${time[2]}` : ''}`,
    labelled('accession', text(header, 'AccessionNumber')),
  ]);
}

function seriesLine(header: DicomDataset, part: string | undefined): string {
  const description = [text(header, 'SeriesDescription'), part].filter((one) => one !== undefined);
  return joined([
    text(header, 'Modality'),
    labelled('series', text(header, 'SeriesNumber')),
    description.length > 0 ? description.join(', ') : undefined,
  ]);
}

function labelled(label: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${label} ${value}`;
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join(SEPARATOR);
}

/** DA as people write it; what is no date stays as it is. */
export const dateLabel = (date: string | undefined): string | undefined => isoDate(date) ?? date;
