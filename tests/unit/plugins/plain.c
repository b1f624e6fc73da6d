/* A shared object that is no plugin. */
extern const int plain_number;
const int plain_number = 1;
