"""The frozen values that everything else talks in. No I/O, no clock, no SDK.

`identity role environment assignment target access` are what files declare; `principal address resource way mark
coverage state` what exists in a target; `effect change unit` what is done about it.
"""
