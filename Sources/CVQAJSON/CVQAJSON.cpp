#include "CVQAJSON.h"
