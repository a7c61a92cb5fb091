import { type DicomDataset, text, texts } from '../dicom/reading/dataset.ts';
import { deriveUid } from '../dicom/uids.ts';
import { isValid } from '../dicom/writing/value-rules.ts';
import { fitted, type WritableDataset } from '../dicom/writing/write.ts';
import { CODES, codeItem } from './codes.ts';
import { MANUFACTURER, MANUFACTURER_MODEL_NAME } from './own-results.ts';
import { isFormat3, type OfFormat } from './result-format.ts';

/** Which node wrote a result, as its site states it. */
export interface SiteIdentity {
  readonly institution?: string | undefined;
  readonly stationName?: string | undefined;
  /** The node's serial number at the site: one of its own for every installation. */
  readonly deviceSerialNumber?: string | undefined;
}

/** Type 1 in a SEG (PS3.3 C.7.5.2), so it needs a value where nobody has given one. */
const NO_SERIAL_NUMBER = 'not assigned';

/** PS3.5 table 6.2-1. */
const LO_MAX_LENGTH = 64;
const SH_MAX_LENGTH = 16;

/** Format 3 knew no identity of the site. */
export function deviceSerialNumber(device: SiteIdentity & OfFormat): string {
  const stated = isFormat3(device) ? undefined : device.deviceSerialNumber;
  return fitted(stated ?? NO_SERIAL_NUMBER, LO_MAX_LENGTH);
}

/** Stays the same as long as the serial number does. */
export function deviceUid(device: SiteIdentity & OfFormat): string {
  return deriveUid('device', MANUFACTURER, MANUFACTURER_MODEL_NAME, deviceSerialNumber(device));
}

/**
 * Institution, station and identity of the node (General Equipment, PS3.3 C.7.5.1), and the scanner whose
 * images went in (SOP Common, C.12.1).
 */
export function deviceModules(device: SiteIdentity & OfFormat, source: DicomDataset): WritableDataset {
  return { ...equipment(device), ...(isFormat3(device) ? {} : contributingEquipment(source)) };
}

/** General Equipment alone, for an object that was made of no images. */
export function equipment(device: SiteIdentity & OfFormat): WritableDataset {
  const serialNumber = { DeviceSerialNumber: deviceSerialNumber(device) };
  if (isFormat3(device)) return serialNumber;
  const { institution, stationName } = device;
  return {
    ...(institution === undefined ? {} : { InstitutionName: fitted(institution, LO_MAX_LENGTH) }),
    ...(stationName === undefined ? {} : { StationName: fitted(stationName, SH_MAX_LENGTH) }),
    ...serialNumber,
    DeviceUID: deviceUid(device),
  };
}

/** What a scanner is told by; its manufacturer is of type 1 there. */
const SCANNER = [
  'InstitutionName',
  'InstitutionalDepartmentName',
  'StationName',
  'ManufacturerModelName',
  'DeviceSerialNumber',
  'DeviceUID',
  'SoftwareVersions',
] as const;

function contributingEquipment(source: DicomDataset): WritableDataset {
  if (!isValid(source, 'Manufacturer')) return {};
  const known = SCANNER.filter((keyword) => isValid(source, keyword));
  return {
    ContributingEquipmentSequence: [
      {
        PurposeOfReferenceCodeSequence: [codeItem(CODES.acquisitionEquipment)],
        Manufacturer: text(source, 'Manufacturer'),
        ...Object.fromEntries(known.map((keyword) => [keyword, texts(source, keyword)])),
      },
    ],
  };
}

/** The node as the author of a report (PS3.3 C.17.2, table C.17-3b): a device. */
export function authorObserver(device: SiteIdentity & OfFormat): WritableDataset {
  const { institution, stationName } = device;
  return {
    AuthorObserverSequence: [
      {
        ObserverType: 'DEV',
        Manufacturer: MANUFACTURER,
        ManufacturerModelName: MANUFACTURER_MODEL_NAME,
        DeviceUID: deviceUid(device),
        // Types 2C and 2 (PS3.3 table C.17-3b).
        StationName: stationName === undefined ? null : fitted(stationName, SH_MAX_LENGTH),
        InstitutionName: institution === undefined ? null : fitted(institution, LO_MAX_LENGTH),
        InstitutionCodeSequence: [],
      },
    ],
  };
}
