import { type DicomDataset, sequence, text, verbatim } from '../../dicom/reading/dataset.ts';
import { CODES } from '../../results/codes.ts';
import type { SiteIdentity } from '../../results/device.ts';
import { deviceUid } from '../../results/device.ts';
import { flagMeaning, QUALITY_FLAGS, type QualityFlag } from '../../results/quality-flags.ts';
import { RESULT_FORMAT } from '../../results/result-format.ts';
import { child, references } from '../../sr/read-items.ts';
import { readReport } from '../../sr/read-report.ts';
import { reportClassUid } from '../../sr/report-form.ts';
import type { Outgoing, ResultChange, SentVolume } from '../../store/exchange/outgoing.ts';
import { DeliveryError } from '../outbox/delivery-error.ts';
import type { StoredResult } from './source.ts';

/** Who gave an identifier: HL7v2 Hierarchic Designator (PS3.3 10.14). */
export interface Issuer {
  readonly namespace: string | undefined;
  readonly universalId: string | undefined;
  /** ISO, URI, UUID, DNS, ... */
  readonly universalIdType: string | undefined;
}

export interface IssuedId {
  readonly value: string;
  readonly issuer: Issuer | undefined;
}

/** One request that the study answers (PS3.3 C.17.2, Referenced Request Sequence). */
export interface ResultOrder {
  readonly accession: IssuedId | undefined;
  readonly placer: IssuedId | undefined;
  readonly filler: IssuedId | undefined;
  readonly procedureId: string | undefined;
  readonly procedure: string | undefined;
  readonly procedureCode:
    | { readonly value: string; readonly scheme: string; readonly meaning: string }
    | undefined;
}

interface Instance {
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  /** Undefined where it isn't known any more. */
  readonly sopClassUid: string | undefined;
}

/** All that any exit says of a result. */
export interface OutgoingResult {
  /** See `Outgoing.id` and `Outgoing.result`. */
  readonly messageId: string;
  readonly result: string;
  readonly change: ResultChange;
  /** When the change happened. */
  readonly at: Date;
  readonly patient: {
    readonly id: IssuedId;
    /** PN, as the images have it. */
    readonly name: string | undefined;
    /** DA. */
    readonly birthDate: string | undefined;
    readonly sex: string | undefined;
  };
  readonly study: {
    readonly uid: string;
    /** DA and TM; empty where the study has none. */
    readonly date: string;
    readonly time: string;
    /** +HHMM or -HHMM, where the images say it. */
    readonly offset: string | undefined;
    readonly description: string | undefined;
  };
  readonly orders: readonly ResultOrder[];
  /** CT, T1W or T2W, and its DICOM modality. */
  readonly images: string;
  readonly modality: 'CT' | 'MR';
  readonly sourceSeriesUid: string;
  readonly report: Instance;
  readonly segmentation: Instance | undefined;
  readonly frameOfReferenceUid: string | undefined;
  /** Undefined where nothing was found. */
  readonly volumeMl: number | undefined;
  readonly intervalMl: SentVolume['intervalMl'];
  /**
   * Since the study before, and since the first one where that is another; undefined where it is not known.
   */
  readonly changePercent:
    | { readonly sincePrevious: number; readonly sinceFirst: number | undefined }
    | undefined;
  readonly flags: readonly QualityFlag[];
  /** A reader's segmentation was measured. */
  readonly byReader: boolean;
  readonly model: SentVolume['model'];
  readonly device: { readonly uid: string; readonly serialNumber: string | undefined };
  readonly softwareVersion: string;
  /** RESEARCH, SERVICE or PRODUCT. */
  readonly qualification: string;
  /** What must be said of the model wherever its results are shown. */
  readonly notice: string | undefined;
  /** Of the report. */
  readonly madeAt: Date;
  readonly pdf: Uint8Array | undefined;
}

/** What is the same for all results of an installation. */
export interface ResultFacts {
  readonly site: SiteIdentity;
  readonly softwareVersion: string;
  readonly qualification: string;
  readonly notice: string | undefined;
  /** Whether a PatientID stands for nobody. */
  readonly namesNobody: (patient: { patientId: string | undefined; issuer: string | undefined }) => boolean;
}

/**
 * @throws DeliveryError `refused` where the images name no patient: under an id that stands for nobody a
 * result would come to be anybody's
 */
export function outgoingResult(message: Outgoing, stored: StoredResult, facts: ResultFacts): OutgoingResult {
  const { volume } = message;
  const { header, report: sr } = stored;
  const { correction } = volume;
  const inForce = correction ?? volume;
  const said = sr && readReport({ dataset: sr });
  const seg = correction ? correction.seg : volume.seg;
  const evidence = sr ? references(sr, 'CurrentRequestedProcedureEvidenceSequence') : [];
  const library = child(child(sr ?? {}, CODES.imageLibrary), CODES.imageLibraryGroup);
  const device = { ...facts.site, format: RESULT_FORMAT };
  return {
    messageId: message.id,
    result: message.result,
    change: message.change,
    at: message.putAt,
    patient: patientOf(header, facts),
    study: {
      uid: message.studyInstanceUid,
      date: volume.studyDate,
      time: volume.studyTime,
      offset: /^[+-]\d{4}$/.exec(text(header, 'TimezoneOffsetFromUTC') ?? '')?.[0],
      description: text(header, 'StudyDescription'),
    },
    orders: sequence(header, 'ReferencedRequestSequence').map(orderOf),
    images: volume.class,
    modality: volume.class === 'CT' ? 'CT' : 'MR',
    sourceSeriesUid: volume.seriesInstanceUid,
    report: {
      seriesInstanceUid: inForce.report.seriesInstanceUid,
      sopInstanceUid: inForce.report.sopInstanceUid,
      sopClassUid: reportClassUid(inForce.report),
    },
    segmentation: seg
      ? {
          ...seg,
          sopClassUid: evidence.find((one) => one.sopInstanceUid === seg.sopInstanceUid)?.sopClassUid,
        }
      : undefined,
    frameOfReferenceUid: text(child(library, CODES.frameOfReferenceUid), 'UID'),
    volumeMl: inForce.voxelCount > 0 ? inForce.volumeMl : undefined,
    intervalMl: correction ? null : volume.intervalMl,
    changePercent: changeOf(said?.changesPercent ?? []),
    flags: QUALITY_FLAGS.filter((flag) => (correction ? (said?.flags ?? []) : volume.flags).includes(flag)),
    byReader: correction !== null,
    model: volume.model,
    device: {
      uid: text(sr ?? {}, 'DeviceUID') ?? deviceUid(device),
      serialNumber: text(sr ?? {}, 'DeviceSerialNumber') ?? facts.site.deviceSerialNumber,
    },
    softwareVersion: text(sr ?? {}, 'SoftwareVersions') ?? facts.softwareVersion,
    qualification: text(sr ?? {}, 'ContentQualification') ?? facts.qualification,
    notice: facts.notice,
    madeAt: new Date(inForce.contentDateTime),
    pdf: stored.pdf,
  };
}

/**
 * A report tells the change since the first study, then that since the previous one where that is another.
 */
function changeOf(percent: readonly number[]): OutgoingResult['changePercent'] {
  const sincePrevious = percent.at(-1);
  if (sincePrevious === undefined) return undefined;
  return { sincePrevious, sinceFirst: percent.length > 1 ? percent[0] : undefined };
}

function patientOf(header: DicomDataset, { namesNobody }: ResultFacts): OutgoingResult['patient'] {
  const [patientId, namespace] = [text(header, 'PatientID'), text(header, 'IssuerOfPatientID')];
  if (patientId === undefined || namesNobody({ patientId, issuer: namespace })) {
    throw new DeliveryError(
      'refused',
      'the images name no patient (PatientID): the result would be nobody’s',
    );
  }
  const [qualifiers = {}] = sequence(header, 'IssuerOfPatientIDQualifiersSequence');
  return {
    id: { value: patientId, issuer: issuerOf(namespace, qualifiers) ?? facilityOf(qualifiers) },
    name: verbatim(header, 'PatientName')[0]?.trim() || undefined,
    birthDate: text(header, 'PatientBirthDate'),
    sex: text(header, 'PatientSex'),
  };
}

function orderOf(request: DicomDataset): ResultOrder {
  const [code = {}] = sequence(request, 'RequestedProcedureCodeSequence');
  const [value, scheme] = [text(code, 'CodeValue'), text(code, 'CodingSchemeDesignator')];
  return {
    accession: issued(request, 'AccessionNumber', 'IssuerOfAccessionNumberSequence'),
    placer: issued(request, 'PlacerOrderNumberImagingServiceRequest', 'OrderPlacerIdentifierSequence'),
    filler: issued(request, 'FillerOrderNumberImagingServiceRequest', 'OrderFillerIdentifierSequence'),
    procedureId: text(request, 'RequestedProcedureID'),
    procedure: text(request, 'RequestedProcedureDescription'),
    procedureCode:
      value === undefined || scheme === undefined
        ? undefined
        : { value, scheme, meaning: text(code, 'CodeMeaning') ?? '' },
  };
}

/** A value with its HL7v2 Hierarchic Designator Macro (PS3.3 table 10-17). */
function issued(request: DicomDataset, keyword: string, issuers: string): IssuedId | undefined {
  const value = text(request, keyword);
  const [designator = {}] = sequence(request, issuers);
  if (value === undefined) return undefined;
  return { value, issuer: issuerOf(text(designator, 'LocalNamespaceEntityID'), designator) };
}

/**
 * Who gave an identifier; undefined only where the images name nobody at all. A universal ID without its type
 * is none, but still somebody: it counts as a name, lest the identifier be taken for the site's own.
 */
function issuerOf(namespace: string | undefined, designator: DicomDataset): Issuer | undefined {
  const id = text(designator, 'UniversalEntityID');
  const type = text(designator, 'UniversalEntityIDType');
  const isUniversal = id !== undefined && type !== undefined;
  const name = namespace ?? (isUniversal ? undefined : (id ?? type));
  if (name === undefined && !isUniversal) return undefined;
  return {
    namespace: name,
    universalId: isUniversal ? id : undefined,
    universalIdType: isUniversal ? type : undefined,
  };
}

/** Images may name no more than where the identifier was given (PS3.3 table 10-18), or by which office. */
function facilityOf(qualifiers: DicomDataset): Issuer | undefined {
  const [facility = {}] = sequence(qualifiers, 'AssigningFacilitySequence');
  const named = issuerOf(text(facility, 'LocalNamespaceEntityID'), facility);
  if (named) return named;
  const [agency] = [
    ...sequence(qualifiers, 'AssigningAgencyOrDepartmentCodeSequence'),
    ...sequence(qualifiers, 'AssigningJurisdictionCodeSequence'),
  ];
  const namespace = agency && (text(agency, 'CodeMeaning') ?? text(agency, 'CodeValue'));
  return namespace === undefined
    ? undefined
    : { namespace, universalId: undefined, universalIdType: undefined };
}

const STANDING: Readonly<Record<string, string>> = {
  RESEARCH: 'For research use only.',
  SERVICE: 'For service use only, not for diagnosis.',
};

/** The result in a few lines, as the report of it says it. */
export function summaryLines(result: OutgoingResult): string[] {
  const { volumeMl, intervalMl, changePercent: change, flags, byReader, model, images } = result;
  const method = byReader
    ? 'a segmentation by a reader'
    : `${model.name} ${model.version}, mode ${model.mode}`;
  const standing = STANDING[result.qualification];
  return [
    ...(result.change === 'withdrawn' ? ['WITHDRAWN: this result is wrong and must not be used.'] : []),
    volumeMl === undefined
      ? `No pancreas was found on ${images}, no volume was measured (${method}).`
      : `Pancreas volume ${millilitres(volumeMl)} ml on ${images} (${method}).`,
    ...(volumeMl !== undefined && intervalMl
      ? [`Measurement uncertainty: ${millilitres(intervalMl.low)} to ${millilitres(intervalMl.high)} ml.`]
      : []),
    ...(change ? [`Change since the previous study: ${percent(change.sincePrevious)} %.`] : []),
    ...(change?.sinceFirst === undefined
      ? []
      : [`Change since the first study: ${percent(change.sinceFirst)} %.`]),
    ...flags.filter((flag) => flag !== 'nothing-found').map((flag) => `${flagMeaning(flag)}.`),
    ...(result.notice === undefined ? [] : [`Model: ${result.notice}.`]),
    ...(standing === undefined ? [] : [standing]),
  ];
}

/** To 0.1 ml, as reports and pages state it. */
const millilitres = (ml: number): string => ml.toFixed(1);
const percent = (value: number): string => `${value > 0 ? '+' : ''}${value.toFixed(1)}`;
