import type { DicomWebClient } from './web/client.ts';

/**
 * An archive, whatever it speaks: DICOMweb (`DicomWebClient`, where each function is described) or DIMSE
 * (`DimseArchive`). Failures are DicomErrors with the same codes: DICOM_WEB_UNREACHABLE where it does not
 * answer, DICOM_WEB_STATUS where it answers with a failure, DICOM_WEB_ANSWER where it answers something else.
 */
export type ImageArchive = Pick<
  DicomWebClient,
  | 'url'
  | 'searchStudies'
  | 'searchStudiesMatching'
  | 'searchSeries'
  | 'searchInstances'
  | 'anyInstance'
  | 'seriesMetadata'
  | 'instanceMetadata'
  | 'retrieveSeries'
  | 'retrieveInstance'
  | 'storeFiles'
  | 'storeVerified'
  | 'isStored'
  | 'storedInstances'
>;
