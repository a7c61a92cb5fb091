/** The only segment's number, in SEG and report. */
export const PANCREAS_SEGMENT_NUMBER = 1;

/** For people; the UID beside it is what joins studies. */
export const PANCREAS_TRACKING_ID = 'Pancreas';
