import { isFormat3, type OfFormat } from '../results/result-format.ts';

/** SOP classes of reports (PS3.4 B.5). IHE AI Results names the 3-D one; more archives know the other. */
export const REPORT_CLASSES = {
  comprehensive: '1.2.840.10008.5.1.4.1.1.88.33',
  comprehensive3d: '1.2.840.10008.5.1.4.1.1.88.34',
} as const;

/** What a site may choose of a report's form. */
export interface ReportForm {
  readonly reportClass: keyof typeof REPORT_CLASSES;
  /** Where nothing was found: a measurement report (TID 1500), or one in words (TID 2000). */
  readonly nothingFound: 'measurements' | 'words';
  /**
   * `current`: evaluations in the measurement groups, uncertainty as properties of the volume, changes as
   * derived measurements, links to earlier reports, as the templates of today have them. PixelMed's
   * DicomSRValidator of 2022 knows no rows for these: `conservative` says the same in rows that it knows.
   */
  readonly templates: 'conservative' | 'current';
  readonly volumeUnit: 'ml' | 'cm3';
}

const REPORT_FORM: ReportForm = {
  reportClass: 'comprehensive',
  nothingFound: 'measurements',
  templates: 'conservative',
  volumeUnit: 'ml',
};

/** All that format 3 had. */
const FORMAT_3: ReportForm = { ...REPORT_FORM, nothingFound: 'words' };

/** The form of a report: what the site chose, the default of the rest. */
export function formOf({
  context,
  form,
}: {
  readonly context: OfFormat;
  readonly form?: Partial<ReportForm> | undefined;
}): ReportForm {
  return isFormat3(context) ? FORMAT_3 : { ...REPORT_FORM, ...form };
}

/** The SOP class of a report; of one that says none, the only one that there was before format 4. */
export const reportClassUid = ({ sopClassUid }: { readonly sopClassUid?: string | undefined }): string =>
  sopClassUid ?? REPORT_CLASSES.comprehensive;

/** Where a report is within its study, as the history keeps it. */
export interface KeptReportReference {
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  /** Left out: Comprehensive SR, as all reports were before format 4. */
  readonly sopClassUid?: string | undefined;
  /** Of the report that it supersedes; left out in the same way. */
  readonly supersededClassUid?: string | undefined;
}

/** @param superseded the report that it takes the place of */
export function reportReference(
  { seriesInstanceUid, sopInstanceUid, sopClassUid }: KeptReportReference,
  superseded: { readonly sopClassUid?: string | undefined } | null | undefined,
): KeptReportReference {
  const unusual = (uid: string | undefined) => (uid === REPORT_CLASSES.comprehensive ? undefined : uid);
  const own = unusual(sopClassUid);
  const former = unusual(superseded?.sopClassUid);
  return {
    seriesInstanceUid,
    sopInstanceUid,
    ...(own === undefined ? {} : { sopClassUid: own }),
    ...(former === undefined ? {} : { supersededClassUid: former }),
  };
}

export const isReportClass = (uid: string | undefined): boolean =>
  Object.values<string | undefined>(REPORT_CLASSES).includes(uid);
