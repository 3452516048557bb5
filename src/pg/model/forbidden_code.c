/*-------------------------------------------------------------------------
 *
 * src/pg/model/forbidden_code.c
 *	  Saying that this server computes convolutions the slow way, or a training
 *	  otherwise than it began.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"

#include "pg/model/model_parts.h"
#include "pg/server/load.h"

void
scpg_warn_forbidden_code(sc_precision precision, bool again)
{
	static bool warned = false;

	if ((warned && !again) || !scpg_core()->sc_conv_code_forbidden(precision))
		return;
	warned = true;
	ereport(WARNING,
			(errmsg("convolutions run without oneDNN: the operating system forbids the code that it generates"),
			 errdetail(
				 "They take several times as long, and numbers differ from those that oneDNN gives in their last digits."),
			 errhint(
				 "Allow the server memory that is both writable and executable: MemoryDenyWriteExecute of its systemd unit, execmem of SELinux.")));
}

void
scpg_model_keep_arithmetic(const scpg_model *model, bool goes_on)
{
	char here[200];
	const char *began;
	Datum values[2] = {Int64GetDatum(model->model_id)};

	/* 1.0 has no such column. */
	if (!scpg_model_keeps_groups())
		return;
	scpg_core()->sc_conv_arithmetic(here, sizeof(here));
	if (!goes_on)
	{
		values[1] = CStringGetTextDatum(here);
		scpg_catalog_change(SCPG_UPDATE_ARITHMETIC, model, values, NULL);
		return;
	}
	scpg_catalog_run(SCPG_FIND_ARITHMETIC, values, NULL, false);
	began = SPI_processed == 0 ? here : scpg_catalog_text(0, 1);
	if (strcmp(began, here) != 0)
		ereport(NOTICE,
				(errmsg("this training goes on with other arithmetic than it began with"),
				 errdetail("It began with %s. Here it is %s.", began, here),
				 errhint("Its weights will differ in their last digits from those of a training that was not moved.")));
}
