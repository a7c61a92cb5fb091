/** pg-boss's queue of the studies that wait to be processed. */
export const QUEUE = 'study';
/** Where jobs end that failed for good. */
export const DEAD_LETTER_QUEUE = 'study-dead';
/** What is worked on when nothing waits in the queue: earlier studies, and what is measured again. */
export const EARLIER_QUEUE = 'study-earlier';
/** Where jobs of that queue end that failed for good. */
export const EARLIER_DEAD_LETTER_QUEUE = 'study-earlier-dead';
